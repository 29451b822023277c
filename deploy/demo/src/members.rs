//! The members of a cluster, asked in turn: when one does not answer, the next is asked.

use crate::http::{self, Failure};
use crate::say;
use std::time::{Duration, Instant};

/// How long a member that did not answer is left alone, while others do.
const REST: Duration = Duration::from_secs(5);

/// The port of a member whose URL names none.
const PORT: u16 = 9092;

/// The members, and whose turn it is.
pub struct Members {
    all: Vec<Member>,
    next: usize,
}

struct Member {
    address: String,
    /// When it last did not answer; nothing while it does.
    silent: Option<Instant>,
}

impl Members {
    /// The members behind these URLs.
    pub fn of<'a>(urls: impl Iterator<Item = &'a str>) -> Result<Members, String> {
        let all = urls
            .map(|url| Ok(Member { address: address(url)?, silent: None }))
            .collect::<Result<Vec<_>, String>>()?;
        match all.is_empty() {
            true => Err("no member is named: add -url http://HOST:9092 for each".to_owned()),
            false => Ok(Members { all, next: 0 }),
        }
    }

    /// Asks the member whose turn it is, and after it the others until one answers. A refusal that
    /// every member would repeat ends it. Gives host and port of the member that answered.
    pub fn request(
        &mut self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Result<String, Failure> {
        let mut last = Failure::Silent("no member was asked".to_owned());
        for at in self.order() {
            let member = &mut self.all[at];
            match http::request(&member.address, method, path, headers, body) {
                Err(failure) if failure.may_pass() => {
                    member.failed(&failure);
                    last = failure;
                }
                result => {
                    member.answered();
                    self.next = (at + 1) % self.all.len();
                    return result.map(|_| self.all[at].address.clone());
                }
            }
        }
        Err(last)
    }

    /// Whom to ask: first those that are not resting, from the one whose turn it is.
    fn order(&self) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.all.len()).map(|at| (self.next + at) % self.all.len()).collect();
        order.sort_by_key(|at| self.all[*at].rests());
        order
    }
}

impl Member {
    fn rests(&self) -> bool {
        self.silent.is_some_and(|since| since.elapsed() < REST)
    }

    fn failed(&mut self, failure: &Failure) {
        if self.silent.replace(Instant::now()).is_none() {
            say(&format!("{} cannot be used, the others go on ({failure})", self.address));
        }
    }

    fn answered(&mut self) {
        if self.silent.take().is_some() {
            say(&format!("{} answers", self.address));
        }
    }
}

/// Host and port of a URL.
fn address(url: &str) -> Result<String, String> {
    let rest = url.strip_prefix("http://").ok_or_else(|| format!("{url:?} must begin with http://"))?;
    let rest = rest.trim_end_matches('/');
    let plain = !rest.is_empty() && !rest.contains(['/', '@', '?', '#', ' ']);
    let host_end = rest.rfind(']').map_or(0, |end| end + 1);
    match rest.get(host_end..).and_then(|tail| tail.split_once(':')) {
        _ if !plain => Err(format!("{url:?} must be http://HOST:PORT")),
        None => Ok(format!("{rest}:{PORT}")),
        Some((host, port)) if port.parse::<u16>().is_ok() && host_end + host.len() > 0 => Ok(rest.to_owned()),
        Some(_) => Err(format!("{url:?} must be http://HOST:PORT")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};
    use std::net::TcpListener;

    /// A member that answers each request with the next of these statuses.
    fn member(statuses: &'static [u16]) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        std::thread::spawn(move || {
            for status in statuses {
                let (mut stream, _) = listener.accept().expect("a connection");
                let mut request = [0; 4096];
                let read = stream.read(&mut request).expect("a request");
                assert!(request[..read].starts_with(b"POST /write"));
                let answer = format!("HTTP/1.1 {status} so\r\nContent-Length: 2\r\n\r\nhi");
                stream.write_all(answer.as_bytes()).expect("an answer");
            }
        });
        url
    }

    fn ask(members: &mut Members) -> Result<String, Failure> {
        members.request("POST", "/write", &[], "")
    }

    fn host(url: &str) -> Result<String, Failure> {
        Ok(url.replace("http://", ""))
    }

    #[test]
    fn members_are_asked_in_turn() {
        let (a, b) = (member(&[204, 204]), member(&[204]));
        let mut members = Members::of([a.as_str(), b.as_str()].into_iter()).expect("members");
        let answers: Vec<_> = (0..3).map(|_| ask(&mut members)).collect();
        assert_eq!(answers, [host(&a), host(&b), host(&a)]);
    }

    #[test]
    fn the_next_is_asked_when_one_is_silent_or_overloaded_and_it_rests_then() {
        let gone = {
            let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
            format!("http://{}", listener.local_addr().expect("an address"))
        };
        let (full, good) = (member(&[503]), member(&[204, 204]));
        let mut members = Members::of([gone.as_str(), &full, &good].into_iter()).expect("members");
        assert_eq!([ask(&mut members), ask(&mut members)], [host(&good), host(&good)]);
    }

    #[test]
    fn a_refusal_is_not_carried_from_member_to_member() {
        let (a, b) = (member(&[400]), member(&[204]));
        let mut members = Members::of([a.as_str(), b.as_str()].into_iter()).expect("members");
        assert_eq!(ask(&mut members), Err(Failure::Refused(400, "hi".to_owned())));
        assert_eq!(ask(&mut members), host(&b));
    }

    #[test]
    fn urls_become_addresses() {
        let cases = [
            ("http://kapacitor-1:9092", Some("kapacitor-1:9092")),
            ("http://kapacitor-1/", Some("kapacitor-1:9092")),
            ("http://[::1]", Some("[::1]:9092")),
            ("http://[::1]:80", Some("[::1]:80")),
            ("https://a", None),
            ("http://", None),
            ("http://:9092", None),
            ("http://a:b", None),
            ("http://a:70000", None),
            ("http://a/b", None),
            ("http://u@a", None),
        ];
        for (url, expected) in cases {
            assert_eq!(address(url).ok().as_deref(), expected, "{url}");
        }
        assert!(Members::of(std::iter::empty()).is_err());
    }
}
