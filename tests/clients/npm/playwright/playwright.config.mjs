import { defineConfig } from "@playwright/test";

export default defineConfig({
  testDir: "tests",
  reporter: "list",
  use: { browserName: "chromium", launchOptions: { executablePath: process.env.CHROMIUM, args: ["--no-sandbox"] } },
});
