//! The page that asks whether an app may act for somebody.

use askama::Template;

use super::shown_name;
use crate::Scope;

/// The page that asks whether an app may act for somebody. Its form goes to `/oauth/authorize` with the fields
/// `transaction`, `code`, `scope_NAME` = `on` for each ticked box, and `decision` = `approve` or `deny`.
#[derive(Template)]
#[template(path = "consent.html")]
pub(crate) struct ConsentPage {
    pub(crate) nonce: String,
    /// The code of forms of this browser.
    pub(crate) code: String,
    pub(crate) transaction: String,
    /// As the client says it; cleaned here.
    pub(crate) client_name: String,
    /// The domain that vouches for the client; `None`: its name is its own claim.
    pub(crate) verified_domain: Option<String>,
    /// Where the browser goes next: a host, or the scheme of an app's own links.
    pub(crate) redirect_host: String,
    /// Whether that is this computer.
    pub(crate) loopback: bool,
    /// Whether that is an app by a scheme of its own.
    pub(crate) native_scheme: bool,
    pub(crate) user_name: String,
    pub(crate) scopes: Vec<ConsentScope>,
}

/// A right that is asked for, as a box to tick.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ConsentScope {
    pub(crate) name: &'static str,
    pub(crate) meaning: &'static str,
    /// Whether it spends money.
    pub(crate) costs: bool,
}

impl From<Scope> for ConsentScope {
    fn from(scope: Scope) -> Self {
        Self { name: scope.name(), meaning: scope.meaning(), costs: scope == Scope::ImageProcessing }
    }
}

impl ConsentPage {
    fn client(&self) -> String {
        shown_name(&self.client_name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(change: impl FnOnce(&mut ConsentPage)) -> String {
        let mut page = ConsentPage {
            nonce: "nonce".into(),
            code: "code".into(),
            transaction: "tx".into(),
            client_name: "Claude".into(),
            verified_domain: None,
            redirect_host: "claude.ai".into(),
            loopback: false,
            native_scheme: false,
            user_name: "owner".into(),
            scopes: Scope::ALL.map(ConsentScope::from).to_vec(),
        };
        change(&mut page);
        page.render().unwrap()
    }

    #[test]
    fn asks_with_every_box_ticked_and_two_equal_buttons() {
        let html = page(|_| ());
        for scope in Scope::ALL {
            assert!(html.contains(&format!("name=\"scope_{}\" value=\"on\" checked", scope.name())));
        }
        assert!(html.contains(">Approve</button>") && html.contains(">Deny</button>"));
        assert_eq!(html.matches("<form").count(), 1);
        assert!(html.contains("self-reported name") && !html.contains("verified domain"));
    }

    #[test]
    fn says_who_vouches_and_where_it_goes() {
        let verified = page(|page| page.verified_domain = Some("claude.ai".into()));
        assert!(verified.contains("verified domain claude.ai") && !verified.contains("self-reported"));
        let warning = "An app on this computer will get access.";
        assert!(page(|page| page.loopback = true).contains(warning) && !verified.contains(warning));
        assert!(page(|page| page.native_scheme = true).contains("An app on this device"));
    }

    #[test]
    fn a_name_is_text_and_nothing_else() {
        let html = page(|page| page.client_name = "<script>alert(1)</script>\u{202e}\u{200b}\"'".into());
        assert!(!html.contains("<script") && !html.contains('\u{202e}') && !html.contains('\u{200b}'));
    }
}
