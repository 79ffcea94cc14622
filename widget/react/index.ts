/** `<VoxWidget>` for React: attributes as props, events as callbacks, the element by `ref`. */
import { createElement, forwardRef, type HTMLAttributes, useEffect, useImperativeHandle, useLayoutEffect, useRef } from "react";
import type { VoxWidget as VoxElement } from "../src/element.js";
import type { VoxEventName, VoxEvents } from "../src/events.js";
import type { Modality, Mode, Position, Theme, Transport } from "../src/settings.js";

/** `onCallStart` for `vox-call-start`, and so on. */
type HandlerName<N extends string> = N extends `vox-${infer Rest}` ? `on${Pascal<Rest>}` : never;
type Pascal<S extends string> = S extends `${infer Head}-${infer Tail}` ? `${Capitalize<Head>}${Pascal<Tail>}` : Capitalize<S>;

/** What the events of the element tell, each to a callback of its own. */
export type VoxHandlers = { [N in VoxEventName as HandlerName<N>]?: (detail: VoxEvents[N]) => void };

export interface VoxWidgetProps extends VoxHandlers, Pick<HTMLAttributes<HTMLElement>, "className" | "style" | "id"> {
  bot: string;
  apiKey?: string;
  /** The bridge. Needed where the page's script is bundled with the page's own. */
  server?: string;
  tokenUrl?: string;
  mode?: Mode;
  position?: Position;
  theme?: Theme;
  transport?: Transport;
  modalities?: Modality[];
  captions?: boolean;
  feedback?: boolean;
  devices?: boolean;
  terms?: string;
  termsUrl?: string;
  termsVersion?: string;
  lang?: string;
  variables?: Record<string, string | number | boolean>;
  strings?: Record<string, string>;
}

const EVENTS: readonly VoxEventName[] = [
  "vox-ready",
  "vox-open",
  "vox-close",
  "vox-state",
  "vox-call-start",
  "vox-call-end",
  "vox-transcript",
  "vox-bot-speaking",
  "vox-interrupted",
  "vox-mute",
  "vox-device",
  "vox-terms",
  "vox-feedback",
  "vox-error",
];

/** The widget. Load `vox-widget.js` once, by a script tag or an import: this is only how React writes the element. */
export const VoxWidget = forwardRef<VoxElement, VoxWidgetProps>(function VoxWidget(props, ref) {
  const element = useRef<VoxElement | null>(null);
  const newest = useRef(props);
  useImperativeHandle(ref, () => element.current as VoxElement, []);
  useLayoutEffect(() => {
    newest.current = props;
    if (element.current === null) return;
    element.current.variables = props.variables;
    element.current.strings = props.strings;
  });
  useEffect(() => {
    const target = element.current;
    if (target === null) return;
    const listen = (event: Event): void => {
      const handler = newest.current[handlerName(event.type)] as ((detail: unknown) => void) | undefined;
      handler?.((event as CustomEvent<unknown>).detail);
    };
    for (const name of EVENTS) target.addEventListener(name, listen);
    return () => {
      for (const name of EVENTS) target.removeEventListener(name, listen);
    };
  }, []);
  return createElement("vox-widget", { ref: element, ...attributes(props) });
});

function attributes(props: VoxWidgetProps): Record<string, unknown> {
  const onOff = (is: boolean | undefined): string | undefined => (is === undefined ? undefined : is ? "on" : "off");
  return {
    id: props.id,
    class: props.className,
    style: props.style,
    bot: props.bot,
    "api-key": props.apiKey,
    server: props.server,
    "token-url": props.tokenUrl,
    mode: props.mode,
    position: props.position,
    theme: props.theme,
    transport: props.transport,
    modalities: props.modalities?.join(" "),
    captions: onOff(props.captions),
    feedback: onOff(props.feedback),
    devices: onOff(props.devices),
    terms: props.terms,
    "terms-url": props.termsUrl,
    "terms-version": props.termsVersion,
    lang: props.lang,
  };
}

function handlerName(event: string): keyof VoxHandlers {
  const words = event.split("-").slice(1);
  return `on${words.map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join("")}` as keyof VoxHandlers;
}
