//! Who asks: tokens, logins, sessions, and what outsiders verify with.

use sluice_core::permission::Permission::{ChangeRead, SecretWrite, TokenManage};

use crate::api::{exchange, identity, secrets, system, tokens};
use crate::auth;
use crate::route::Access::{AnyToken, Needs, Public};
use crate::route::Class::{Act, Bulk, Light, Read};
use crate::route::Route;

pub(super) fn identities() -> Vec<Route> {
    vec![
        Route::get("/api/v1/tokens", Needs(TokenManage), Read, tokens::list)
            .about("List the tokens that are good.")
            .with(&["limit", "cursor-name"])
            .gives("TokenList"),
        Route::post("/api/v1/tokens", AnyToken, Act, tokens::create)
            .about("Create a token; its secret is shown this once.")
            .takes("TokenRequest")
            .answers(201, "application/json")
            .gives("TokenSecret"),
        Route::delete("/api/v1/tokens/{id}", AnyToken, Act, tokens::revoke)
            .about("Revoke a token.")
            .gives("Done"),
        Route::get("/api/v1/secrets", Needs(SecretWrite), Read, secrets::list)
            .about("List the secrets that are kept, by name. Nothing gives one back.")
            .gives("SecretList"),
        Route::put("/api/v1/secrets/{*name}", Needs(SecretWrite), Act, secrets::set)
            .about("Keep a secret, in place of the one before it.")
            .takes("SecretRequest")
            .gives("SecretVersion"),
        Route::delete("/api/v1/secrets/{*name}", Needs(SecretWrite), Act, secrets::remove)
            .about("Remove a secret for good. The answer names the links that lack it now.")
            .gives("SecretRemoved"),
        Route::post("/api/v1/secrets-rewrap", Needs(SecretWrite), Bulk, secrets::rewrap)
            .about("Put all secrets under the server's present master key.")
            .gives("SecretsRewrapped"),
        Route::get("/api/v1/people/{*id}", Needs(ChangeRead), Read, identity::person)
            .about("Say who is behind a person's opaque id.")
            .gives("Person"),
        Route::get(
            "/api/v1/login/providers",
            Public("who comes in is not known yet"),
            Light,
            auth::providers,
        )
        .about("List the providers of identities that people can come in by.")
        .gives("ProviderList"),
        Route::get("/auth/oidc/start", Public("who comes in is not known yet"), Act, auth::start)
            .about("Send a person to their provider of identities.")
            .with(&["provider", "then", "fresh"])
            .answers(303, ""),
        Route::get(
            "/auth/oidc/callback",
            Public("who comes in is not known yet"),
            Act,
            auth::callback,
        )
        .about("Take a person back from their provider, and open their session.")
        .with(&["code", "state", "iss", "error"])
        .answers(303, ""),
        Route::post(
            "/api/v1/token/exchange",
            Public("the body is the credential: a token that a pipeline's system signed"),
            Act,
            exchange::exchange,
        )
        .about("Exchange a pipeline's ID token for a session of five minutes (RFC 8693).")
        .takes("ExchangeRequest")
        .gives("ExchangeReply"),
        Route::get("/api/v1/whoami", AnyToken, Light, identity::whoami)
            .about("Say what the token is and may.")
            .gives("Caller"),
    ]
}

/// What outsiders verify with.
pub(super) fn keys() -> Vec<Route> {
    vec![
        Route::get(
            "/api/v1/keys",
            Public("whoever verifies needs the public keys"),
            Light,
            system::keys,
        )
        .about("Show the public keys of the log and of passes.")
        .gives("Keys"),
        Route::get(
            "/.well-known/jwks.json",
            Public("whoever verifies a pass needs the public key"),
            Light,
            system::jwks,
        )
        .about("Show the public key of passes as a JWK set.")
        .answers(200, "application/jwk-set+json")
        .gives("JwkSet"),
    ]
}
