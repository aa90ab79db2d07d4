#!/usr/bin/env node
/**
 * Answers JSON Lines on stdin, each with one line on stdout, as `agentapi call` does. One client for all lines; answers in
 * the order of the lines, each as soon as it is there. Nothing but answers goes to stdout.
 *
 * Environment: AGENTAPI_ENDPOINT, AGENTAPI_FINGERPRINT (several separated by commas), AGENTAPI_TOKEN, and if wanted
 * AGENTAPI_DEADLINE_MS and AGENTAPI_NODE_ENGINE (`worker` or `jspi`).
 */
import { once } from "node:events";
import process from "node:process";

import { Agent } from "../agent.js";
import { AgentError } from "../error.js";
import type { ConnectOptions, EngineName } from "../options.js";
import { readLines } from "./lines.js";
import { readRequest, run } from "./request.js";
import { stringify } from "./stringify.js";

const { AGENTAPI_ENDPOINT, AGENTAPI_FINGERPRINT, AGENTAPI_TOKEN, AGENTAPI_DEADLINE_MS, AGENTAPI_NODE_ENGINE } =
  process.env;

/** The exit status for wrong usage. */
const USAGE = 2;

async function main(): Promise<void> {
  const agent = await connect();
  for await (const line of readLines(process.stdin)) {
    if (!process.stdout.write(`${stringify(await answer(agent, line))}\n`)) await once(process.stdout, "drain");
  }
  if (agent instanceof Agent) await agent.close();
}

/** The client; where it cannot be connected, the error that answers every line. */
async function connect(): Promise<Agent | AgentError> {
  try {
    return await Agent.connect(options());
  } catch (error) {
    return toAgentError(error);
  }
}

function options(): ConnectOptions {
  if (AGENTAPI_ENDPOINT === undefined || AGENTAPI_FINGERPRINT === undefined || AGENTAPI_TOKEN === undefined) {
    process.stderr.write("expected AGENTAPI_ENDPOINT, AGENTAPI_FINGERPRINT and AGENTAPI_TOKEN in the environment\n");
    process.exit(USAGE);
  }
  return {
    endpoint: AGENTAPI_ENDPOINT,
    fingerprints: AGENTAPI_FINGERPRINT.split(","),
    token: AGENTAPI_TOKEN,
    deadlineMs: AGENTAPI_DEADLINE_MS === undefined ? undefined : Number(AGENTAPI_DEADLINE_MS),
    engine: AGENTAPI_NODE_ENGINE as EngineName | undefined,
  };
}

async function answer(agent: Agent | AgentError, line: string): Promise<Record<string, unknown>> {
  const { id, request } = readRequest(line);
  const withId = id === undefined ? {} : { id };
  try {
    if (agent instanceof AgentError) throw agent;
    if (request instanceof AgentError) throw request;
    return { ...withId, ok: true, value: await run(agent, request) };
  } catch (error) {
    return { ...withId, ok: false, error: toAgentError(error).toJSON() };
  }
}

function toAgentError(error: unknown): AgentError {
  return error instanceof AgentError ? error : new AgentError("internal", String(error), { cause: error });
}

process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  // The reader has seen enough.
  process.exit(error.code === "EPIPE" ? 0 : 1);
});
await main();
