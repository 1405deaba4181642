import type { Dashboard, Panel } from "@grafana/grafana-foundation-sdk/dashboard";
import type { Dataquery } from "@grafana/grafana-foundation-sdk/prometheus";
import type { Options as StatOptions } from "@grafana/grafana-foundation-sdk/stat";
import type { Options as TimeseriesOptions } from "@grafana/grafana-foundation-sdk/timeseries";

// Plain is a type as JSON has it: enums are their values, and there are no methods.
type Plain<T> = T extends string ? `${T}` : T extends number ? number : T extends (...a: any[]) => any ? never
  : T extends (infer E)[] ? Plain<E>[] : T extends object ? { [K in keyof T as T[K] extends (...a: any[]) => any ? never : K]: Plain<T[K]> } : T;
type Drawn<Kind, Options> = Omit<Plain<Panel>, "type" | "targets" | "options"> & { type: Kind; targets: Plain<Dataquery>[]; options: Plain<Options> };
type Checked = Omit<Plain<Dashboard>, "panels"> & { panels: (Drawn<"stat", StatOptions> | Drawn<"timeseries", TimeseriesOptions>)[] };

export const dashboard: Checked = 
