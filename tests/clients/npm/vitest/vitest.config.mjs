export default { test: { globalSetup: "falmock/vitest/setup" } };
