use std::time::Duration;

use super::{Code, CompileError, LoadLimits, compile};

/// Has a shell do this instead of compiling, with a component of 100 kB.
fn shell(script: &str, limits: &LoadLimits) -> Result<Code, CompileError> {
    let wasm = [&b"\0asm\x0d\0\x01\0\n"[..], &[0; 100_000]].concat();
    compile("/bin/sh".as_ref(), &["-c".into(), script.into()], limits, &wasm)
}

fn failure_of(script: &str) -> String {
    let limits = LoadLimits { wall: Duration::from_secs(30), cpu: Duration::from_secs(1), ..LoadLimits::default() };
    let limits = LoadLimits { cpu_per_mib: Duration::ZERO, ..limits };
    agentapi_quiesce::error_chain(&shell(script, &limits).err().unwrap())
}

#[test]
fn however_a_child_ends_there_is_a_name_for_it() {
    let told = "the process that compiled it ended with";
    for (script, expected) in [
        ("exit 3", format!("{told} exit status: 3: ")),
        ("echo at a loss >&2; exit 101", format!("{told} exit status: 101: at a loss")),
        // A Hangul filler, which a terminal shows as a blank.
        ("printf '\\343\\205\\244' >&2; exit 3", format!("{told} exit status: 3: \\u{{3164}}")),
        ("cat > /dev/null; kill -SEGV $$", format!("{told} signal: 11 (SIGSEGV): ")),
        // As the kernel does when the machine is out of memory.
        ("cat > /dev/null; kill -KILL $$", format!("{told} signal: 9 (SIGKILL): ")),
        (
            "while :; do :; done",
            "compiling it takes more than the 1s of processor time that a component of 100009 bytes may take".into(),
        ),
        ("printf agtcode1 && head -c 40 /dev/zero && sleep 0", "the process that compiles cannot be used".into()),
        ("true", "the process that compiles cannot be used: failed to fill whole buffer".into()),
        ("cat", "the process that compiles cannot be used: it is no program that compiles components".into()),
    ] {
        let failure = failure_of(script);
        assert!(failure.starts_with(&expected), "{script}: {failure}");
    }
    let missing = compile("/nowhere".as_ref(), &[], &LoadLimits::default(), b"").err().unwrap();
    assert!(matches!(missing, CompileError::Child(_)), "{missing:?}");
}

#[test]
fn a_child_that_does_not_answer_is_killed_when_its_time_is_over() {
    let wall = Duration::from_millis(200);
    let limits = LoadLimits { wall, ..LoadLimits::default() };
    // One that reads and goes on waiting, one that does not even read.
    for script in ["cat > /dev/null; exec sleep 600", "exec sleep 600"] {
        let error = shell(script, &limits).err().unwrap();
        assert!(matches!(error, CompileError::Wall(limit) if limit == wall), "{script}: {error:?}");
    }
}

#[test]
fn a_child_has_its_limits_before_it_has_the_component_and_an_empty_environment() {
    // Once a byte of the component is there, all of them are set. In kibibytes, blocks and seconds.
    let failure = failure_of(
        "read -r _; for limit in d c f t; do ulimit -$limit; done >&2; tr '\\0' '\\n' < /proc/$$/environ >&2; exit 1",
    );
    let mut words = failure.split("\\n");
    let memory_kib = LoadLimits::default().memory_for(100_009) / 1024;
    assert!(words.next().unwrap().ends_with(&format!(": {memory_kib}")), "{failure}");
    assert_eq!(words.next(), Some("0"), "{failure}");
    assert_eq!(words.next(), Some("0"), "{failure}");
    assert_eq!(words.next(), Some("1"), "{failure}");
    let variables: Vec<_> = words.map(|word| word.split('=').next().unwrap()).collect();
    assert_eq!(variables, ["AGENTAPI_LOADER_PARENT", "RAYON_NUM_THREADS"], "{failure}");
}
