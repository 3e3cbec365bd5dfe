// An app that uses @fal-ai/serverless-client: see `main` for how it is told what to do.
import * as fal from "@fal-ai/serverless-client";
import { acts, main } from "./acts.mjs";

fal.config({ credentials: process.env.FAL_KEY });

await main(acts(fal));
