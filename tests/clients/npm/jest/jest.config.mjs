export default { globalSetup: "falmock/jest/setup", testMatch: ["**/*.test.?js"], transform: {} };
