import type { ComponentChildren } from 'preact';
import { useEffect, useRef } from 'preact/hooks';

/** A box with a heading. */
export function Panel(props: {
  title: string;
  aside?: ComponentChildren;
  children: ComponentChildren;
  flush?: boolean;
}) {
  return (
    <section class={props.flush === true ? 'panel flush' : 'panel'}>
      <header>
        <h2>{props.title}</h2>
        {props.aside}
      </header>
      {props.children}
    </section>
  );
}

export function Badge(props: { tone?: 'good' | 'bad' | 'warn' | 'info' | undefined; children: ComponentChildren }) {
  return <span class={`badge ${props.tone ?? ''}`}>{props.children}</span>;
}

export function Empty(props: { children: ComponentChildren }) {
  return <p class="empty">{props.children}</p>;
}

export function Problem(props: { message: string | undefined }) {
  return props.message === undefined ? null : (
    <p class="problem" role="alert">
      {props.message}
    </p>
  );
}

/** A box that `/` puts the cursor into. */
export function Search(props: { value: string; label: string; onChange: (value: string) => void }) {
  return (
    <input
      type="search"
      class="search"
      data-search
      placeholder={props.label}
      aria-label={props.label}
      value={props.value}
      onInput={(event) => props.onChange(event.currentTarget.value)}
    />
  );
}

/** What slides in from the side; Escape and a click beside it close it. */
export function Drawer(props: { title: string; onClose: () => void; children: ComponentChildren }) {
  const panel = useRef<HTMLDivElement>(null);
  const { onClose } = props;
  useEffect(() => {
    const before = document.activeElement;
    panel.current?.focus();
    const onKey = (event: KeyboardEvent) => {
      if (event.key === 'Escape') onClose();
    };
    document.addEventListener('keydown', onKey);
    return () => {
      document.removeEventListener('keydown', onKey);
      if (before instanceof HTMLElement) before.focus();
    };
  }, [onClose]);
  return (
    <div class="drawer-back" onMouseDown={(event) => event.target === event.currentTarget && onClose()} role="none">
      <div class="drawer" role="dialog" aria-modal="true" aria-label={props.title} tabIndex={-1} ref={panel}>
        <header>
          <h2 class="mono">{props.title}</h2>
          <button type="button" class="quiet" onClick={onClose} aria-label="Close">
            ✕
          </button>
        </header>
        <div class="drawer-body">{props.children}</div>
      </div>
    </div>
  );
}

/** Rows of a name and what it says. */
export function Facts(props: { rows: ReadonlyArray<readonly [string, ComponentChildren]> }) {
  return (
    <dl class="facts">
      {props.rows.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}
