//! The second factor: a device that gives one-time codes, set up by a picture that this server draws.

use std::fmt::Write as _;

use askama::Template;
use askama::filters::Safe;
use axum::response::Response;
use qrcodegen::{QrCode, QrCodeEcc};
use serde::Deserialize;
use sluice_engine::{EngineError, Proof};

use crate::problem::Problem;
use crate::session::From;
use crate::web::form::{Form, NoFields};
use crate::web::page::{Looker, page, see};
use crate::web::shell::{Section, Shell};
use crate::web::{Markup, w};

/// White modules around a QR code (ISO/IEC 18004, 9.1).
const QUIET: i32 = 4;

/// How far somebody has come.
enum Stage {
    /// There is none.
    Absent,
    /// The code was not right: it is asked for again, for the picture that was taken in.
    Again,
    /// The picture is shown; a code proves that it was taken in.
    Begun { picture: Markup, secret: String },
    /// It holds; these are shown once.
    Confirmed { codes: Vec<String> },
    /// There is one.
    Present,
}

#[derive(Template)]
#[template(path = "pages/factor.html")]
struct FactorPage {
    shell: Shell,
    stage: Stage,
    wrong: bool,
}

pub(crate) async fn show(looker: Looker) -> Result<Response, Problem> {
    let person = looker.caller.person.clone();
    let standing = looker.app.engine.standing();
    let account = person.and_then(|person| standing.access.accounts.get(&person).cloned());
    let present = account.is_some_and(|account| account.factors.contains("totp"));
    tell(looker, if present { Stage::Present } else { Stage::Absent }, false).await
}

async fn tell(looker: Looker, stage: Stage, wrong: bool) -> Result<Response, Problem> {
    page(looker, move |visit| {
        let mut shell = visit.shell(Section::Elsewhere, w::t("factor.second_factor"));
        // What is shown once must not be fetched again.
        shell.live = matches!(stage, Stage::Absent | Stage::Present);
        Ok(FactorPage { shell, stage, wrong })
    })
    .await
}

/// Begins: shows the key as a picture and as text.
pub(crate) async fn begin(looker: Looker, Form(_): Form<NoFields>) -> Result<Response, Problem> {
    let start = looker.app.engine.begin_totp(&looker.caller).await?;
    let picture = picture(&start.address);
    tell(looker, Stage::Begun { picture, secret: grouped(&start.secret) }, false).await
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CodeForm {
    code: String,
    #[serde(default)]
    #[expect(dead_code, reason = "looked at by the guard")]
    csrf_token: String,
}

/// The device gives the right codes.
pub(crate) async fn confirm(
    looker: Looker,
    Form(form): Form<CodeForm>,
) -> Result<Response, Problem> {
    let code: String = form.code.chars().filter(|found| !found.is_whitespace()).collect();
    match looker.app.engine.confirm_totp(&looker.caller, &code).await {
        Ok(answer) => tell(looker, Stage::Confirmed { codes: answer.value }, false).await,
        Err(error) if is_wrong(&error) => tell(looker, Stage::Again, true).await,
        Err(error) => Err(error.into()),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RemoveForm {
    password: String,
    #[serde(default)]
    code: String,
    #[serde(default)]
    #[expect(dead_code, reason = "looked at by the guard")]
    csrf_token: String,
}

/// Takes it away.
pub(crate) async fn remove(
    looker: Looker,
    From(address): From,
    Form(form): Form<RemoveForm>,
) -> Result<Response, Problem> {
    let code = Some(form.code.trim().to_owned()).filter(|code| !code.is_empty());
    let proof = Proof { password: form.password, code, address };
    match looker.app.engine.remove_totp(&looker.caller, proof).await {
        Ok(_) => Ok(see("/me/second-factor")),
        Err(error) if is_wrong(&error) => tell(looker, Stage::Present, true).await,
        Err(error) => Err(error.into()),
    }
}

/// Whether a proof was not right. Whoever is in is not sent to the door for it.
fn is_wrong(error: &EngineError) -> bool {
    matches!(error, EngineError::Refused(refusal)
        if ["login_refused", "code_needed"].contains(&refusal.code.as_str()))
}

/// A text as a QR code. No style in it: black on white whatever the page looks like, as cameras want it.
fn picture(text: &str) -> Markup {
    let Ok(code) = QrCode::encode_text(text, QrCodeEcc::Medium) else {
        return Safe(String::new());
    };
    let size = code.size();
    let mut path = String::new();
    for y in 0..size {
        for x in (0..size).filter(|x| code.get_module(*x, y)) {
            // Writing to a string does not fail.
            let _ = write!(path, "M{x} {y}h1v1h-1z");
        }
    }
    let whole = size + 2 * QUIET;
    Safe(format!(
        "<svg class=\"qr\" viewBox=\"-{QUIET} -{QUIET} {whole} {whole}\" role=\"img\" aria-label=\"{}\" \
         shape-rendering=\"crispEdges\"><path fill=\"#fff\" d=\"M-{QUIET} -{QUIET}h{whole}v{whole}h-{whole}z\"/>\
         <path fill=\"#000\" d=\"{path}\"/></svg>",
        w::t("factor.picture_for_your_app")
    ))
}

/// In groups of four, as people type it.
fn grouped(text: &str) -> String {
    let letters: Vec<char> = text.chars().collect();
    letters.chunks(4).map(|four| four.iter().collect::<String>()).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_picture_is_drawn_without_a_style_and_with_its_margin() {
        let drawn = picture("otpauth://totp/x:y?secret=GEZDGNBVGY3TQOJQ&issuer=x").0;
        assert!(drawn.contains("viewBox=\"-4 -4 41 41\""), "{drawn}");
        // The three finder patterns begin in three corners.
        for corner in ["M0 0h1v1h-1z", "M32 0h1v1h-1z", "M0 32h1v1h-1z"] {
            assert!(drawn.contains(corner), "{corner}");
        }
        assert!(!drawn.contains("style="));
    }

    #[test]
    fn keys_are_typed_in_groups() {
        assert_eq!(grouped("GEZDGNBVGY"), "GEZD GNBV GY");
    }
}
