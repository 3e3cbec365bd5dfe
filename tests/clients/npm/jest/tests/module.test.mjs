// A falmock for this file, with import.
import { useFalmock } from "falmock/jest";
import { submit } from "../calls.mjs";

const inherited = process.env.FALMOCK_URL;
const falmock = useFalmock({ pace: "manual" });

test("moves jobs by hand", async () => {
  expect(falmock.url).not.toBe(inherited);
  const { request_id: id } = await submit("a cat");
  expect((await falmock.advance(id)).state).toBe("running");
  expect((await falmock.complete(id)).state).toBe("finished");
});
