// UTF-8. QuickJS has no TextEncoder; what it has are the two functions that once did this in browsers.

export function encode(text) {
  return Uint8Array.from(unescape(encodeURIComponent(text.toWellFormed())), (unit) => unit.charCodeAt(0));
}

export function decode(bytes) {
  let units = "";
  for (const byte of bytes) units += String.fromCharCode(byte);
  return decodeURIComponent(escape(units));
}
