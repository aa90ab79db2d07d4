//! A message to try whether those who are told hear it.

use rustix::process::Signal;
use serde_json::json;

use crate::support::controller::BACKUP;
use crate::support::{Fixture, QUICK, run};

#[test]
fn a_test_message_goes_to_each_and_what_each_answered_is_said() {
    let fixture = Fixture::with(QUICK);
    let heard = fixture.path("heard");
    let works =
        format!("[[notify]]\nkind = \"command\"\nname = \"works\"\ncommand = \"sh -c 'cat > {}'\"\n", heard.display());
    let fails = "[[notify]]\nkind = \"command\"\nname = \"fails\"\ncommand = \"sh -c 'echo no route >&2; exit 3'\"\nseverity = \"critical\"\n";
    fixture.configure(&[BACKUP, &works, fails].concat());
    let mut controller = fixture.serve();
    assert_eq!(fixture.local(&["notify"]), "NAME   FROM\nworks  warning\nfails  critical\n");
    assert_eq!(fixture.local(&["notify", "test", "works"]), "works: delivered\n");
    assert!(std::fs::read_to_string(&heard).unwrap().contains("test"));

    let outcome = run(fixture.local_command(&["notify", "test"]));
    assert_eq!(outcome.status, Some(1), "{outcome:?}");
    let said = outcome.stdout;
    assert!(said.starts_with("works: delivered\nfails: not delivered: ") && said.contains("no route"), "{said}");
    let outcome = run(fixture.local_command(&["notify", "test", "nobody", "--json"]));
    let said: serde_json::Value = serde_json::from_str(&outcome.stdout).unwrap();
    assert_eq!((outcome.status, &said["tested"][0]["delivered"]), (Some(1), &json!(false)), "{outcome:?}");
    controller.signal(Signal::TERM);
    assert_eq!(controller.status(), 0, "{}", controller.stderr());
    fixture.configure(BACKUP);
    let mut controller = fixture.serve();
    assert_eq!(fixture.local(&["notify", "test"]), "Nobody is told: there is no [[notify]] in the configuration.\n");
    controller.signal(Signal::TERM);
    assert_eq!(controller.status(), 0);
}
