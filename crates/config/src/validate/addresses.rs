//! Checks of addresses: host:port, URLs, e-mail.

/// A listening address: host:port, where the host may be empty.
pub(super) fn bind(address: &str) -> Result<(), String> {
    let (host, port) = split(address)?;
    let bad = |c: char| c.is_whitespace() || c == '/';
    if host.contains(bad) {
        return Err(format!(
            "invalid bind address {address:?}: the host holds {:?}",
            host.matches(bad).next().unwrap_or("")
        ));
    }
    if port.is_empty() {
        return Err(format!("invalid bind address {address:?}: no port specified"));
    }
    check_port(address, port)
}

/// An address to connect to: host:port, both filled.
pub(super) fn peer(address: &str) -> Result<(), String> {
    let (host, port) = split(address)?;
    if host.is_empty() || host.contains(char::is_whitespace) {
        return Err(format!("invalid address {address:?}: a host name is needed before the colon"));
    }
    check_port(address, port)
}

fn split(address: &str) -> Result<(&str, &str), String> {
    if let Some(rest) = address.strip_prefix('[') {
        return rest
            .split_once("]:")
            .ok_or_else(|| format!("invalid address {address:?}: write [host]:port"));
    }
    match address.rsplit_once(':') {
        None => Err(format!("invalid address {address:?}: missing port; write host:port")),
        Some((host, _)) if host.contains(':') => {
            Err(format!("invalid address {address:?}: too many colons; write an IPv6 host in brackets"))
        }
        Some(parts) => Ok(parts),
    }
}

fn check_port(address: &str, port: &str) -> Result<(), String> {
    match port.parse::<u32>() {
        Ok(number) if number <= 65_535 => Ok(()),
        Ok(number) => Err(format!("invalid address {address:?}: port {number} is out of range")),
        Err(_) => Err(format!("invalid address {address:?}: {port:?} is not a port")),
    }
}

/// A URL that Go's parser would take; empty is taken too.
pub(super) fn url(text: &str) -> Result<(), String> {
    let invalid = |why: &str| Err(format!("invalid url {text:?}: {why}"));
    if text.chars().any(char::is_control) {
        return invalid("it holds control characters");
    }
    if bad_escape(text) {
        return invalid("a % must be followed by two hexadecimal digits");
    }
    let Some((scheme, rest)) = text.split_once("://") else {
        return if text.starts_with(':') { invalid("it lacks a scheme such as http://") } else { Ok(()) };
    };
    let good_scheme = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c));
    if !good_scheme {
        return invalid("the part before :// is not a scheme");
    }
    let authority = rest.split(['/', '?', '#']).next().unwrap_or("");
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    if host.contains(' ') {
        return invalid("the host holds a space");
    }
    let after = host.rsplit_once(']').map_or(host, |(_, after)| after);
    match after.split_once(':') {
        Some((_, port)) if !port.bytes().all(|b| b.is_ascii_digit()) => invalid("the port is not a number"),
        _ => Ok(()),
    }
}

fn bad_escape(text: &str) -> bool {
    let bytes = text.as_bytes();
    // Only the path: in a query Go leaves escapes alone until it is taken apart.
    let path = text.split(['?', '#']).next().map_or(0, str::len);
    (0..path).any(|at| {
        bytes[at] == b'%'
            && !bytes.get(at + 1..at + 3).is_some_and(|two| two.iter().all(u8::is_ascii_hexdigit))
    })
}

/// An e-mail address, alone or as `Name <address>`.
pub(super) fn mail(text: &str) -> Result<(), String> {
    let address = match text.trim().strip_suffix('>') {
        Some(inner) => inner.rsplit_once('<').map_or("", |(_, address)| address),
        None => text.trim(),
    };
    let good = address.rsplit_once('@').is_some_and(|(local, domain)| {
        !local.is_empty()
            && !domain.is_empty()
            && !domain.contains(char::is_whitespace)
            && (local.starts_with('"') || !local.contains([' ', '@', ',']))
    });
    if good { Ok(()) } else { Err(format!("{text:?} is not an e-mail address")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bind_addresses() {
        for good in [":9092", "0.0.0.0:1", "[::1]:9092", "localhost:0", "[::]:65535"] {
            assert_eq!(bind(good), Ok(()), "{good}");
        }
        for bad in
            ["", "9092", "host:", ":http", ":65536", "::1:9092", "[::1]9092", "http://h:1", "a b:1", ":-1"]
        {
            assert!(bind(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn peers_need_a_host() {
        assert_eq!(peer("kapacitor-1:9090"), Ok(()));
        for bad in [":9090", "kapacitor-1", "kapacitor-1:x"] {
            assert!(peer(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn urls() {
        for good in [
            "",
            "http://localhost:8086",
            "https://u:p%20w@h/x?y=%zz",
            "example.com/a",
            "http://[::1]:80/",
            "tcp://h:1883",
            "http://{{ .Name }}.x/",
        ] {
            let result = url(good);
            assert_eq!(result.is_ok(), good != "http://{{ .Name }}.x/", "{good}: {result:?}");
        }
        for bad in [":foo", "http://h:port", "http://a b/", "1http://h", "http://h/%zz", "http://h/\n"] {
            assert!(url(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn mail_addresses() {
        for good in ["a@b", "Ops <ops@example.com>", "\"a b\"@c"] {
            assert_eq!(mail(good), Ok(()), "{good}");
        }
        for bad in ["", "a", "@b", "a@", "a b@c", "Ops <ops>", "a@b c"] {
            assert!(mail(bad).is_err(), "{bad}");
        }
    }
}
