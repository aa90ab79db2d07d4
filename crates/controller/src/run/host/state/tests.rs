use std::collections::BTreeMap;

use agentapi_host::policy::{MAX_STATE_VALUE_BYTES, StateStore};
use futures_util::FutureExt;

use super::{KeptState, MAX_WAITING_BYTES};
use crate::store::Store;

fn entries(of: &[(&str, &str)]) -> BTreeMap<String, Vec<u8>> {
    of.iter().map(|(key, value)| ((*key).to_owned(), value.as_bytes().to_owned())).collect()
}

#[tokio::test]
async fn what_is_kept_is_there_for_the_next_run_of_the_same_extension_and_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let kept = KeptState::new(Store::open(folder.path()).unwrap());
    let run = kept.of_run("one", true).await;
    run.write("one", "a", Some(b"1")).await.unwrap();
    run.write("one", "b", Some(b"2")).await.unwrap();
    run.write("one", "b", None).await.unwrap();
    kept.of_run("other", true).await.write("other", "a", Some(b"3")).await.unwrap();
    assert_eq!(kept.of_run("one", true).await.load("one").await.unwrap(), entries(&[("a", "1")]));
    assert_eq!(kept.of_run("other", true).await.load("other").await.unwrap(), entries(&[("a", "3")]));
    // One that did not read it before reads it now.
    assert_eq!(kept.of_run("one", false).await.load("one").await.unwrap(), entries(&[("a", "1")]));
}

#[tokio::test]
async fn while_something_is_frozen_nobody_waits_and_what_is_changed_is_written_after_the_thaw() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    let kept = KeptState::new(store.clone());
    let run = kept.of_run("one", true).await;
    run.write("one", "before", Some(b"0")).await.unwrap();
    let late = kept.of_run("one", false).await;

    let parked = store.park();
    assert_eq!(run.load("one").now_or_never().unwrap().unwrap(), entries(&[]), "it was read when the run began");
    late.load("one").now_or_never().expect("nobody waits").unwrap_err();
    run.write("one", "a", Some(b"1")).now_or_never().expect("nobody waits").unwrap();
    run.write("one", "before", None).now_or_never().expect("nobody waits").unwrap();
    drop(parked);

    // Also the first read after the thaw comes after them.
    assert_eq!(kept.of_run("one", true).await.load("one").await.unwrap(), entries(&[("a", "1")]));
}

#[tokio::test]
async fn what_does_not_fit_while_something_is_frozen_is_refused_and_the_rest_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    let kept = KeptState::new(store.clone());
    let run = kept.of_run("one", true).await;
    let value = vec![0; MAX_STATE_VALUE_BYTES];
    let parked = store.park();
    let write = |number: usize| run.write("one", &number.to_string(), Some(&value)).now_or_never().unwrap();
    let fits = (0..).take_while(|number| write(*number).is_ok()).count();
    assert_eq!(fits, MAX_WAITING_BYTES / (MAX_STATE_VALUE_BYTES + "one".len() + 2));
    // Small changes until the queue is full, which is refused at once as well.
    let mut small = 0;
    while run.write("one", "small", Some(small.to_string().as_bytes())).now_or_never().unwrap().is_ok() {
        small += 1;
    }
    drop(parked);

    let read = kept.of_run("one", true).await.load("one").await.unwrap();
    assert_eq!(read.len(), fits + 1);
    assert_eq!(read["small"], (small - 1).to_string().as_bytes());
    run.write("one", "small", None).await.unwrap();
}
