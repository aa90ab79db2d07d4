//! Lines of `agentapi call`: whatever the bytes, they are a request or an error that says why not, and an id comes back
//! as it was.
#![no_main]

use agentapi_cli::Request;
use agentapi_host::Error;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|line: &[u8]| {
    let request = Request::read(line);
    if let Some(id) = request.id {
        let text = std::str::from_utf8(line)
            .map_or_else(|why| line.get(..why.valid_up_to()).unwrap_or_default(), str::as_bytes);
        assert!(text.windows(id.get().len()).any(|part| part == id.get().as_bytes()));
    }
    if let Err(error) = request.operation {
        assert!(matches!(error, Error::InvalidArgument(_)), "{error:?}");
    }
});
