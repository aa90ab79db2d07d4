const MEMORY_SECTION = 5;
const PAGE_BYTES = 64 * 1024;
/** Whether a memory has a maximum (WebAssembly core specification, section 5.3.8). */
const HAS_MAX = 1;

/**
 * A core module whose memories cannot grow beyond a size. JavaScript has no limiter for what a module grows by, so the
 * maximum is written into the module itself. Growing further fails, which the component's allocator turns into a trap.
 */
export function withMaxMemory(bytes, maxBytes) {
  const module = Buffer.from(bytes);
  // Behind the magic number and the version.
  let at = 8;
  while (at < module.length) {
    const id = module[at];
    const [size, start] = readLeb(module, at + 1);
    if (id === MEMORY_SECTION) {
      const section = boundedSection(module.subarray(start, start + size), Math.floor(maxBytes / PAGE_BYTES));
      return Buffer.concat([module.subarray(0, at + 1), leb(section.length), section, module.subarray(start + size)]);
    }
    at = start + size;
  }
  return module;
}

function boundedSection(section, maxPages) {
  let [count, at] = readLeb(section, 0);
  const parts = [leb(count)];
  for (; count > 0; count -= 1) {
    const flags = section[at];
    let min;
    let max = maxPages;
    [min, at] = readLeb(section, at + 1);
    if (flags > HAS_MAX || min > maxPages) {
      throw new Error(
        `expected an unshared 32-bit memory of at most ${maxPages} pages, found flags ${flags}, ${min} pages`,
      );
    }
    if (flags === HAS_MAX) {
      [max, at] = readLeb(section, at);
      max = Math.min(max, maxPages);
    }
    parts.push(Buffer.from([HAS_MAX]), leb(min), leb(max));
  }
  return Buffer.concat(parts);
}

/** The unsigned LEB128 at an offset, and the offset behind it. */
function readLeb(bytes, at) {
  let value = 0;
  for (let shift = 0; ; shift += 7, at += 1) {
    value += (bytes[at] & 0x7f) * 2 ** shift;
    if (bytes[at] < 0x80) {
      return [value, at + 1];
    }
  }
}

function leb(value) {
  const bytes = [];
  do {
    bytes.push((value & 0x7f) | (value > 0x7f ? 0x80 : 0));
    value >>>= 7;
  } while (value > 0);
  return Buffer.from(bytes);
}
