import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import { sentence } from './api.ts';

export interface Polled<T> {
  readonly data: T | undefined;
  readonly problem: string | undefined;
  readonly again: () => void;
}

/** Asks now, whenever `key` changes, and every so many milliseconds while the page is seen. */
export function usePolled<T>(ask: () => Promise<T>, key: string, everyMs: number): Polled<T> {
  const [data, setData] = useState<{ key: string; value: T }>();
  const [problem, setProblem] = useState<string>();
  const latest = useRef(ask);
  latest.current = ask;
  const turn = useRef(0);
  const again = useCallback(() => {
    turn.current += 1;
    const mine = turn.current;
    latest.current().then(
      (value) => {
        if (turn.current !== mine) return;
        setData({ key, value });
        setProblem(undefined);
      },
      (error: unknown) => {
        if (turn.current === mine) setProblem(sentence(error));
      },
    );
  }, [key]);
  useEffect(() => {
    again();
    const timer = setInterval(() => {
      if (!document.hidden) again();
    }, everyMs);
    return () => clearInterval(timer);
  }, [again, everyMs]);
  return { data: data?.key === key ? data.value : undefined, problem, again };
}
