/** What the host implements or calls, with the versions that it was written for. */
const KNOWN = {
  "felhom:agentapi/pinning": "0.2.0",
  "felhom:agentapi/types": "0.2.0",
  "felhom:agentapi/session": "0.2.0",
  "felhom:agentapi/storage": "0.2.0",
  "felhom:agentapi/backup": "0.2.0",
  "felhom:agentapi/disks": "0.2.0",
  "felhom:agentapi/host-metrics": "0.2.0",
  "wasi:http/types": "0.2.0",
  "wasi:http/outgoing-handler": "0.2.0",
  "wasi:io/error": "0.2.0",
  "wasi:io/poll": "0.2.0",
  "wasi:io/streams": "0.2.0",
};

/**
 * The interfaces of the component, from name to name with version. Fails where one is not known, or has a version that
 * semver does not call compatible: the transpiled code asks for interfaces by name alone, so this is the place where
 * versions are compared.
 */
export function compatibleInterfaces(declaration) {
  const found = new Map();
  for (const [, name, version] of declaration.matchAll(/^ {2}'([^'@]+)@([^']+)':/gm)) {
    if (!(name in KNOWN)) {
      throw new Error(`expected an interface that this host knows, found ${name}`);
    }
    if (!isCompatible(KNOWN[name], version)) {
      throw new Error(`${name}: expected a version compatible with ${KNOWN[name]}, found ${version}`);
    }
    found.set(name, `${name}@${version}`);
  }
  const missing = Object.keys(KNOWN).filter((name) => !found.has(name));
  if (missing.length > 0) {
    throw new Error(`expected a component with ${missing.join(", ")}`);
  }
  return found;
}

/** Whether two versions have the same first number, or where that is 0 the same second one. */
export function isCompatible(one, other) {
  const significant = (version) => {
    const [major, minor] = version.split(".");
    return major === "0" ? `0.${minor}` : major;
  };
  return significant(one) === significant(other);
}
