// Checked by tsc, never run: what users write has the types that they expect.
import { startFalmock, type control } from "falmock";
import { useFalmock as useInJest } from "falmock/jest";
import { test } from "falmock/playwright";
import { useFalmock } from "falmock/vitest";
import setup, { globalSetup } from "falmock/vitest/setup";

const server = await startFalmock({ fixtures: ["a", "b"], pace: "manual", options: { max_jobs: 3 } });
const environment: Record<string, string> = server.scope("one").environment;
const falmock = useFalmock({ faults: [{ match: { model: "acme/*" }, fault: { error: "timeout" } }], misses: "allow" });
const job: control.Job = await falmock.advance((await falmock.jobs({ state: "queued" }))[0].request_id);
const moved: control.Job[] = await falmock.advance();
await falmock.verify([{ endpoint: "fal-ai/flux/dev", times: 1 }]);
await falmock.verify({ calls: [{ call: "submit" }], nothing_unmatched: true });
useInJest().allowMisses();
test("a page", async ({ page, falmock }) => falmock.verify([{ at_least: Number((await page.title()).length) }]));
export default globalSetup({ fixtures: "tests/fixtures" });
export { environment, job, moved, setup };

// @ts-expect-error: there is no such mode
useFalmock({ mode: "recrod" });
// @ts-expect-error: there is no such expectation
await falmock.verify([{ endpont: "fal-ai/flux/dev" }]);
