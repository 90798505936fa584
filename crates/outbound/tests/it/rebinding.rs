//! A name that leads elsewhere the second time it is asked.

use std::net::IpAddr;

use sluice_outbound::{Failure, Method, Net, Reach, Request, Why};

use crate::world::Fake;

fn address(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn rebinding(inside: &'static str) -> Fake {
    Fake::new(move |_, before| {
        vec![if before == 0 { address("93.184.215.14") } else { address(inside) }]
    })
}

fn reach() -> Reach {
    Reach::new().plain_host("rebind.example").unwrap()
}

#[tokio::test]
async fn the_address_that_was_judged_is_the_one_connected_to() {
    for inside in ["127.0.0.1", "169.254.169.254", "::1", "::ffff:10.0.0.1"] {
        let (client, seen) = rebinding(inside).client();
        let request = || Request::new(Method::Get, "http://rebind.example/");
        assert_eq!(client.send(&reach(), request()).await.unwrap().status, 200);
        let second = client.send(&reach(), request()).await.unwrap_err();
        assert!(matches!(second, Failure::Blocked(Why::PrivateAddress | Why::Metadata)));
        let seen = seen.lock().unwrap();
        assert_eq!(seen.asked.len(), 2, "a name is asked for once in a request");
        assert_eq!(seen.connected, ["93.184.215.14:80".parse().unwrap()]);
    }
}

#[tokio::test]
async fn a_redirect_to_the_same_name_is_judged_again() {
    let moved = "HTTP/1.1 302 Found\r\nlocation: /again\r\ncontent-length: 0\r\n\r\n";
    let (client, seen) = rebinding("127.0.0.1").saying(moved).client();
    let mut request = Request::new(Method::Get, "http://rebind.example/");
    request.redirects = 3;
    let outcome = client.send(&reach(), request).await;
    assert_eq!(outcome, Err(Failure::Blocked(Why::PrivateAddress)));
    assert_eq!(seen.lock().unwrap().connected.len(), 1);
}

#[tokio::test]
async fn a_redirect_is_an_answer_unless_it_was_asked_for() {
    let moved = "HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1/\r\ncontent-length: 0\r\n\r\n";
    for (redirects, method) in [(0, Method::Get), (3, Method::Post)] {
        let (client, _) = rebinding("93.184.215.14").saying(moved).client();
        let mut request = Request::new(method, "http://rebind.example/");
        request.redirects = redirects;
        assert_eq!(client.send(&reach(), request).await.unwrap().status, 302);
    }
}

#[tokio::test]
async fn a_redirect_leads_to_listed_places_only_and_takes_no_secret_along() {
    for (place, why) in [
        ("http://127.0.0.1/", Why::Scheme),
        ("https://127.0.0.1/", Why::Host),
        ("https://evil.example/", Why::Host),
        ("file:///etc/passwd", Why::Scheme),
        ("//evil.example/", Why::Scheme),
        ("http://rebind.example:22/", Why::Port),
        ("http://x@rebind.example/", Why::UserInfo),
        ("http://rebind.example/loop", Why::Redirect),
    ] {
        let moved = format!("HTTP/1.1 307 Moved\r\nlocation: {place}\r\ncontent-length: 0\r\n\r\n");
        let (client, seen) = rebinding("93.184.215.14").saying(moved).client();
        let mut request = Request::new(Method::Get, "http://rebind.example/")
            .header("accept", "application/json")
            .secret_header("authorization", "Bearer canary");
        request.redirects = 3;
        let outcome = client.send(&reach(), request).await;
        assert_eq!(outcome, Err(Failure::Blocked(why)), "{place}");
        let seen = seen.lock().unwrap();
        assert!(seen.requests.len() <= 4);
        let mut requests = seen.requests.iter();
        assert!(requests.next().unwrap().contains("Bearer canary"));
        assert!(requests.all(|request| !request.contains("canary") && request.contains("accept:")));
    }
}

#[tokio::test]
async fn nothing_secret_is_shown() {
    let request = Request::new(Method::Post, "https://user:canary@rebind.example/canary?canary")
        .secret_header("authorization", "canary")
        .body("text/plain", "canary");
    let shown = format!("{request:?} {}", request.shown_url());
    assert!(!shown.contains("canary"), "{shown}");
    assert!(shown.contains("rebind.example"));
}
