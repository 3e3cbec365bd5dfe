// The time now, for what moves on the page.

import { useEffect, useState } from "../vendor/preact.js";

const CALM = 1000;
const FAST = 200;
const IDLE = 10000;

// Seconds since the epoch; often while something moves, seldom else.
export function useNow(moves) {
  const [now, setNow] = useState(() => Date.now() / 1000);
  useEffect(() => {
    const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
    const timer = setInterval(() => setNow(Date.now() / 1000), moves ? (calm ? CALM : FAST) : IDLE);
    return () => clearInterval(timer);
  }, [moves]);
  return Math.max(now, 0);
}
