//! GitHub and GitLab as login providers: OAuth 2 and the forge's own API.

use oauth2::{
    AuthUrl, AuthorizationCode, ClientId, ClientSecret, CsrfToken, EndpointNotSet, EndpointSet,
    PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, Scope, TokenResponse, TokenUrl, basic::BasicClient,
};
use serde::Deserialize;

use super::{
    config::{ProviderConfig, ProviderKind},
    http::{Http, HttpError},
    providers::{Asked, LoginError, Person, Started},
};

type Client = BasicClient<EndpointSet, EndpointNotSet, EndpointNotSet, EndpointNotSet, EndpointSet>;

#[derive(Debug)]
pub struct Forge {
    is_github: bool,
    client: Client,
    scopes: Vec<String>,
    api: String,
    http: Http,
}

/// A user as either forge writes them.
#[derive(Debug, Deserialize)]
struct ForgeUser {
    id: u64,
    #[serde(alias = "login")]
    username: String,
    email: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Org {
    login: String,
}

#[derive(Debug, Deserialize)]
struct OrgTeam {
    slug: String,
    organization: Org,
}

#[derive(Debug, Deserialize)]
struct Group {
    full_path: String,
}

impl Forge {
    pub fn new(
        config: &ProviderConfig,
        secret: Option<String>,
        redirect: RedirectUrl,
        http: Http,
    ) -> Option<Self> {
        let is_github = config.kind == ProviderKind::GitHub;
        let (usual, authorize, token, scope) = match is_github {
            true => ("https://github.com", "login/oauth/authorize", "login/oauth/access_token", "read:org"),
            false => ("https://gitlab.com", "oauth/authorize", "oauth/token", "read_api"),
        };
        let base = config.issuer.as_deref().unwrap_or(usual).trim_end_matches('/');
        let api = match (&config.api_url, is_github) {
            (Some(api), _) => api.trim_end_matches('/').to_owned(),
            (None, true) if base == usual => "https://api.github.com".into(),
            (None, true) => format!("{base}/api/v3"),
            (None, false) => format!("{base}/api/v4"),
        };
        let mut client = BasicClient::new(ClientId::new(config.client_id.clone()));
        if let Some(secret) = secret {
            client = client.set_client_secret(ClientSecret::new(secret));
        }
        let client = client
            .set_auth_uri(AuthUrl::new(format!("{base}/{authorize}")).ok()?)
            .set_token_uri(TokenUrl::new(format!("{base}/{token}")).ok()?)
            .set_redirect_uri(redirect);
        let scopes = config.scopes.clone().unwrap_or_else(|| vec![scope.to_owned()]);
        Some(Self { is_github, client, scopes, api, http })
    }

    pub fn start(&self) -> Started {
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let scopes = self.scopes.iter().cloned().map(Scope::new);
        let request = self.client.authorize_url(CsrfToken::new_random).add_scopes(scopes);
        let (url, state) = request.set_pkce_challenge(challenge).url();
        let asked = Asked { state: state.secret().clone(), nonce: None, verifier: verifier.secret().clone() };
        Started { url: url.into(), asked }
    }

    pub async fn finish(&self, code: String, asked: Asked) -> Result<Person, LoginError> {
        let http = |request| self.http.ask(request);
        let exchange = self.client.exchange_code(AuthorizationCode::new(code));
        let verifier = PkceCodeVerifier::new(asked.verifier);
        let told = exchange.set_pkce_verifier(verifier).request_async(&http).await;
        let told = told.map_err(LoginError::of_exchange)?;
        let bearer = told.access_token().secret();
        self.person(bearer).await.map_err(|error| LoginError::unreachable(&error))
    }

    async fn person(&self, bearer: &str) -> Result<Person, HttpError> {
        let user: ForgeUser = self.http.json(&format!("{}/user", self.api), bearer).await?;
        Ok(Person {
            subject: user.id.to_string(),
            name: user.username,
            mail: user.email.filter(|mail| !mail.is_empty()),
            teams: self.teams(bearer).await?,
        })
    }

    /// `None`: the operator did not ask for leave to see them.
    async fn teams(&self, bearer: &str) -> Result<Option<Vec<String>>, HttpError> {
        let may = |scope: &str| self.scopes.iter().any(|own| own == scope);
        if self.is_github {
            if !may("read:org") {
                return Ok(None);
            }
            let orgs: Vec<Org> = self.list("user/orgs?", bearer).await?;
            let teams: Vec<OrgTeam> = self.list("user/teams?", bearer).await?;
            let teams = teams.into_iter().map(|team| format!("{}/{}", team.organization.login, team.slug));
            return Ok(Some(orgs.into_iter().map(|org| org.login).chain(teams).collect()));
        }
        if !may("read_api") && !may("api") {
            return Ok(None);
        }
        // Developers and above: guests and reporters do not push either.
        let groups: Vec<Group> = self.list("groups?min_access_level=30&", bearer).await?;
        Ok(Some(groups.into_iter().map(|group| group.full_path).collect()))
    }

    async fn list<T: serde::de::DeserializeOwned>(
        &self,
        path: &str,
        bearer: &str,
    ) -> Result<Vec<T>, HttpError> {
        const PER_PAGE: usize = 100;
        const MOST_PAGES: usize = 10;
        let mut all = Vec::new();
        for page in 1..=MOST_PAGES {
            let url = format!("{}/{path}per_page={PER_PAGE}&page={page}", self.api);
            let mut part: Vec<T> = self.http.json(&url, bearer).await?;
            let is_last = part.len() < PER_PAGE;
            all.append(&mut part);
            if is_last {
                break;
            }
        }
        Ok(all)
    }
}
