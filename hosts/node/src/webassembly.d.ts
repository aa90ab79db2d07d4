/** The part of the WebAssembly API that is used here. Node's types leave it to those of browsers. */
declare namespace WebAssembly {
  interface Module {}
  function compile(bytes: Uint8Array): Promise<Module>;
}
