/** The nine routes of the agent's API. Nothing else leaves, and each has one method. */
export interface Route {
  method: "GET" | "POST";
  path: string;
}

const ROUTES: readonly Route[] = [
  { method: "GET", path: "/storage" },
  { method: "GET", path: "/backup/due" },
  { method: "POST", path: "/backup" },
  { method: "GET", path: "/backup/status" },
  { method: "GET", path: "/disks" },
  { method: "POST", path: "/disks/assign" },
  { method: "POST", path: "/disks/eject" },
  { method: "POST", path: "/disks/format" },
  { method: "GET", path: "/host/metrics" },
];

/** The route of a request, by its exact method and path; undefined if the agent has no such route. */
export function routeOf(method: string, path: string): Route | undefined {
  return ROUTES.find((route) => route.method === method && route.path === path);
}
