use super::*;

#[test]
fn the_four_forms_are_read_and_printed_with_their_port() {
    let cases = [
        ("agent", "agent:443"),
        ("Agent.Example:8443", "agent.example:8443"),
        ("10.0.0.1:8443", "10.0.0.1:8443"),
        (" \t10.0.0.1\r\n", "10.0.0.1:443"),
        ("[::1]", "[::1]:443"),
        ("[FD80::0:1]:8443", "[fd80::0:1]:8443"),
    ];
    for (endpoint, authority) in cases {
        assert_eq!(endpoint.parse::<Authority>().unwrap().to_string(), authority);
    }
}

#[test]
fn anything_else_is_refused_and_named() {
    let cases = [
        ("", "nothing"),
        (" \n", "nothing"),
        ("https://agent:1", "a scheme ('/'): drop https://"),
        ("http://agent/", "a scheme ('/'): drop http:// and the final /"),
        ("https://", "a scheme ('/'): drop https://"),
        ("//agent", "a scheme ('/')"),
        ("agent:1/", "a path ('/'): drop the final /"),
        ("agent:1/x", "a path ('/')"),
        ("agent?x", "a query ('?')"),
        ("agent#x", "a fragment ('#')"),
        ("u:p@agent", "a user ('@')"),
        ("a b", "a blank (' ')"),
        ("a\u{a0}b", "a character that no host name has ('\\u{a0}')"),
        ("a\u{7}b", "a control character ('\\u{7}')"),
        ("\u{151}.example", "a character that no host name has ('\\u{151}')"),
        ("a%41", "a character that no host name has ('%')"),
        (":8443", "no host"),
        ("[::1", "no IPv6 address between [ and ]"),
        ("[]:1", "no IPv6 address between [ and ]"),
        ("[agent]:1", "no IPv6 address between [ and ]"),
        ("[::1]8443", "no IPv6 address between [ and ]"),
        ("a]", "no IPv6 address between [ and ]"),
        ("::1", "several colons: an IPv6 address stands in [ ]"),
        ("agent:", "the port '', which is not a number from 1 to 65535"),
        ("agent:0", "the port '0', which is not a number from 1 to 65535"),
        ("agent:65536", "the port '65536', which is not a number from 1 to 65535"),
        ("agent:-1", "the port '-1', which is not a number from 1 to 65535"),
    ];
    for (endpoint, found) in cases {
        let message = endpoint.parse::<Authority>().unwrap_err().to_string();
        let expected = format!("expected host, host:port, [v6] or [v6]:port, found {found}");
        assert_eq!(message, expected, "{endpoint:?}");
    }
}

/// Endpoints as people have them, and what helps: the rows of a list that was kept of their slips.
#[test]
fn an_endpoint_that_cannot_be_right_says_what_to_do() {
    let elsewhere = "give the agent's address that is not link-local, or its name";
    let zone = format!("a zone ('%'), which is not supported: {elsewhere}");
    let link_local = "a link-local address, which needs its interface, and zones are not supported: give the agent's \
                      other address, or its name";
    let name = |host: &str, why: &str| format!("'{host}', which is no host name: {why}");
    let address = |host: &str| format!("'{host}', which is not an IPv4 address of four numbers up to 255");
    let nothing = "there is nothing between two dots, or before the first";
    let (long_label, long_name) = ("h".repeat(64), vec!["h".repeat(63); 4].join("."));
    let cases = [
        ("https://10.0.0.1:8443/", "a scheme ('/'): drop https:// and the final /".into()),
        ("[fe80::1%eth0]:8443", zone.clone()),
        ("fe80::1%eth0", zone),
        ("[fe80::1]:8443", link_local.into()),
        ("[FEBF::1]", link_local.into()),
        ("fe80::1", link_local.into()),
        ("127.1", address("127.1")),
        ("10.0.0.256", address("10.0.0.256")),
        ("10.0.0.01:8443", address("10.0.0.01")),
        ("10.0.0.1.", address("10.0.0.1.")),
        ("0x7f.1", address("0x7f.1")),
        ("10.0.0.0xa", address("10.0.0.0xa")),
        ("1.2.3.4.5", address("1.2.3.4.5")),
        ("2130706433", address("2130706433")),
        ("agent.1", address("agent.1")),
        ("a..b", name("a..b", nothing)),
        (".a", name(".a", nothing)),
        (".", name(".", nothing)),
        ("a-.b", name("a-.b", "a part begins or ends with '-'")),
        ("-a", name("-a", "a part begins or ends with '-'")),
        (&long_label, name(&long_label, "a part is longer than 63 characters")),
        (&long_name, name(&long_name, "it is longer than 253 characters")),
    ];
    for (endpoint, found) in cases {
        let message = endpoint.parse::<Authority>().unwrap_err().to_string();
        assert_eq!(message, format!("expected host, host:port, [v6] or [v6]:port, found {found}"), "{endpoint:?}");
    }
}

#[test]
fn what_can_be_right_is_taken() {
    let long = ["h".repeat(63), "h".repeat(63), "h".repeat(63), "h".repeat(61)].join(".");
    for host in
        ["a_b", "xn--a.example", "agent.example.", "1a", "10.0.0.1.example", "0.0.0.0", "255.255.255.255", &long]
    {
        assert_eq!(host.parse::<Authority>().unwrap().host(), host);
    }
    for host in ["::1", "fe7f::1", "fec0::1", "fe8::1", "2001:db8::fe80:1"] {
        assert_eq!(format!("[{host}]").parse::<Authority>().unwrap().host(), host);
    }
}
