//! Where clients reach this server: what stands before `/v1` and `/{environment}` in links and
//! tokens. It never comes from an unknown Host.

use std::sync::Arc;

use stepgate_domain::{id::Id, name, resources::environment::Environment, web_origin::WebOrigin};

/// Which operations a host may be for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// `/v1/…`
    Management,
    /// `/{environment}/…` and `/as/…`
    Authentication,
}

/// A base URL that was reached, without a trailing slash (`https://id.example.test`), and where
/// from there each side is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin(Arc<Bases>);

#[derive(Debug, PartialEq, Eq)]
struct Bases {
    reached: String,
    web: Option<WebOrigin>,
    management: String,
    authentication: String,
}

impl Origin {
    /// A base URL where everything is.
    pub fn new(base: &str) -> Self {
        Self::of_sides(base, base, base)
    }

    fn of_sides(reached: &str, management: &str, authentication: &str) -> Self {
        let base = |url: &str| url.trim_end_matches('/').to_owned();
        Self(Arc::new(Bases {
            web: WebOrigin::of_url(reached),
            reached: base(reached),
            management: base(management),
            authentication: base(authentication),
        }))
    }

    /// What was reached.
    pub fn as_str(&self) -> &str {
        &self.0.reached
    }
    pub fn is_https(&self) -> bool {
        self.as_str().starts_with("https://")
    }
    /// Whether `origin`, the header of that name, is that of a page from here.
    pub fn is_of(&self, origin: &str) -> bool {
        self.0.web.is_some() && WebOrigin::of_header(origin) == self.0.web
    }
    /// Whether this side is here, and not on another host.
    pub fn serves(&self, side: Side) -> bool {
        let base = match side {
            Side::Management => &self.0.management,
            Side::Authentication => &self.0.authentication,
        };
        *base == self.0.reached
    }
    /// `{base}/v1`
    pub fn api(&self) -> String {
        format!("{}/v1", self.0.management)
    }
    /// The issuer of an environment's tokens: `{base}/{environment}/as`.
    pub fn issuer(&self, environment: Id<Environment>) -> String {
        format!("{}/{environment}/as", self.0.authentication)
    }
    /// `{base}/{environment}`
    pub fn authentication(&self, environment: Id<Environment>) -> String {
        format!("{}/{environment}", self.0.authentication)
    }

    /// Whether a request with this `Host` is for here. Without a scheme of its own it is read with
    /// that of this URL, since a proxy may have spoken TLS.
    fn is_at(&self, host: &str) -> bool {
        let authority = self.as_str().split_once("://").map(|(_, rest)| rest);
        authority == Some(host)
            || self.0.web.as_ref().is_some_and(|web| {
                WebOrigin::of_authority(web.scheme(), host).as_ref() == Some(web)
            })
    }
}

/// What the operator calls the server.
#[derive(Debug, Clone, Default)]
pub struct PublicUrls {
    /// Where both sides are; the first is the canonical one.
    pub both: Vec<String>,
    pub management: Option<String>,
    pub authentication: Option<String>,
}

/// The origins that this server answers for.
#[derive(Debug, Clone)]
pub struct Origins {
    known: Vec<Origin>,
    /// The audience of the management API.
    audience: Option<String>,
    /// Development: any loopback name by this scheme, on whatever port the client reached.
    loopback: Option<&'static str>,
}

impl Origins {
    pub fn new(urls: &PublicUrls, loopback: Option<&'static str>) -> Self {
        let mut known: Vec<Origin> = urls.both.iter().map(|url| Origin::new(url)).collect();
        let first = urls.both.first();
        let management = urls.management.as_ref().or(first);
        let authentication = urls.authentication.as_ref().or(first);
        if let (Some(management), Some(authentication)) = (management, authentication) {
            for reached in [management, authentication] {
                let origin = Origin::of_sides(reached, management, authentication);
                // One that is both sides' stays so.
                if !known.iter().any(|known| known.as_str() == origin.as_str()) {
                    known.push(origin);
                }
            }
        }
        Self {
            known,
            audience: management.map(|url| Origin::new(url).as_str().to_owned()),
            loopback,
        }
    }

    /// The origin of a request by its `Host`, or `None` for a host that is not ours.
    pub fn of_host(&self, host: &str) -> Option<Origin> {
        if let Some(origin) = self.known.iter().find(|origin| origin.is_at(host)) {
            return Some(origin.clone());
        }
        let web = WebOrigin::of_authority(self.loopback?, host)?;
        web.is_loopback().then(|| Origin::new(&web.to_string()))
    }

    /// Whether a token of this issuer base may be ours.
    pub fn contains(&self, base: &str) -> bool {
        let is_known =
            |origin: &Origin| origin.as_str() == base && origin.serves(Side::Authentication);
        self.known.iter().any(is_known)
            || WebOrigin::parse(base)
                .is_some_and(|web| web.is_loopback() && self.loopback == Some(web.scheme()))
    }

    /// Every name of an environment's issuer that is configured.
    pub fn issuers(&self, environment: Id<Environment>) -> impl Iterator<Item = String> {
        self.known
            .iter()
            .filter(|origin| origin.serves(Side::Authentication))
            .map(move |origin| origin.issuer(environment))
    }

    /// Whether tokens with this audience would be for the management API. The loopback names of a
    /// server in development are those of its neighbours too.
    pub fn is_api_audience(&self, audience: &str) -> bool {
        let audience = name::fold(audience);
        self.known
            .iter()
            .any(|origin| name::fold(origin.as_str()) == audience.trim_end_matches('/'))
    }

    /// The audience of the management API: where it canonically is.
    pub fn api_audience(&self, origin: &Origin) -> String {
        self.audience
            .clone()
            .unwrap_or_else(|| origin.0.management.clone())
    }

    /// Whether an audience is the management API's by any of its names, so that a token outlives the
    /// change of the canonical one.
    pub fn accepts_audience(&self, origin: &Origin, audience: &str) -> bool {
        let is_known =
            |origin: &Origin| origin.as_str() == audience && origin.serves(Side::Management);
        match &self.audience {
            Some(_) => self.known.iter().any(is_known),
            None => origin.0.management == audience,
        }
    }
}

#[cfg(test)]
#[path = "origin_tests.rs"]
mod tests;
