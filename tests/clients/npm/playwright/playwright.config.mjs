import { defineConfig } from "@playwright/test";

export default defineConfig({
  testDir: "tests",
  workers: 2,
  fullyParallel: true,
  use: { browserName: "chromium", launchOptions: { executablePath: process.env.CHROMIUM, args: ["--no-sandbox"] } },
});
