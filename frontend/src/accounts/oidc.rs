//! OpenID Connect: what a login needs of a provider, and what it says of a person.

use std::time::{Duration, Instant};

use openidconnect::{
    AccessTokenHash, AuthType, AuthorizationCode, ClientId, ClientSecret, CsrfToken, EndpointMaybeSet,
    EndpointNotSet, EndpointSet, IssuerUrl, Nonce, OAuth2TokenResponse, PkceCodeChallenge, PkceCodeVerifier,
    RedirectUrl, Scope, TokenResponse,
    core::{
        CoreAuthenticationFlow, CoreClient, CoreClientAuthMethod, CoreIdToken, CoreProviderMetadata,
        CoreTokenResponse,
    },
};
use serde_json::{Map, Value};
use tokio::sync::Mutex;

use super::{
    claims::{Claims, verified},
    config::ProviderConfig,
    http::Http,
    providers::{Asked, LoginError, Person, Started},
};

/// How long a provider's addresses and keys are taken for its present ones.
const FRESH: Duration = Duration::from_secs(3_600);
/// New keys are looked for at most so often when a signature does not hold.
const RETRY: Duration = Duration::from_secs(60);

type Client = CoreClient<
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointMaybeSet,
    EndpointMaybeSet,
>;

#[derive(Debug)]
pub struct Oidc {
    issuer: IssuerUrl,
    id: ClientId,
    secret: Option<ClientSecret>,
    redirect: RedirectUrl,
    scopes: Vec<Scope>,
    name_claims: Vec<String>,
    groups_claim: String,
    http: Http,
    known: Mutex<Option<(Instant, CoreProviderMetadata)>>,
}

impl Oidc {
    pub fn new(
        config: &ProviderConfig,
        secret: Option<String>,
        redirect: RedirectUrl,
        http: Http,
    ) -> Option<Self> {
        let scopes = config.scopes.clone().unwrap_or_else(|| vec!["profile".into(), "email".into()]);
        let usual = || vec!["preferred_username".to_owned(), "nickname".to_owned()];
        Some(Self {
            issuer: IssuerUrl::new(config.issuer.clone()?).ok()?,
            id: ClientId::new(config.client_id.clone()),
            secret: secret.map(ClientSecret::new),
            redirect,
            scopes: scopes.into_iter().filter(|scope| scope != "openid").map(Scope::new).collect(),
            name_claims: config.name_claim.clone().map_or_else(usual, |one| vec![one]),
            groups_claim: config.groups_claim.clone().unwrap_or_else(|| "groups".into()),
            http,
            known: Mutex::default(),
        })
    }

    pub async fn start(&self) -> Result<Started, LoginError> {
        let client = self.client(FRESH).await?.0;
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let mut request = client.authorize_url(
            CoreAuthenticationFlow::AuthorizationCode,
            CsrfToken::new_random,
            Nonce::new_random,
        );
        for scope in &self.scopes {
            request = request.add_scope(scope.clone());
        }
        let (url, state, nonce) = request.set_pkce_challenge(challenge).url();
        let asked = Asked {
            state: state.secret().clone(),
            nonce: Some(nonce.secret().clone()),
            verifier: verifier.secret().clone(),
        };
        Ok(Started { url: url.into(), asked })
    }

    pub async fn finish(&self, code: String, asked: Asked) -> Result<Person, LoginError> {
        let (client, userinfo) = self.client(FRESH).await?;
        let http = |request| self.http.ask(request);
        let exchange = client.exchange_code(AuthorizationCode::new(code));
        let exchange = exchange.map_err(|error| LoginError::unreachable(&error))?;
        let verifier = PkceCodeVerifier::new(asked.verifier);
        let told = exchange.set_pkce_verifier(verifier).request_async(&http).await;
        let told = told.map_err(LoginError::of_exchange)?;
        let token = told.id_token().ok_or_else(|| LoginError::wrong("it sent no identity token"))?;
        let nonce = Nonce::new(asked.nonce.unwrap_or_default());
        let claims = self.verify(&client, &told, token, &nonce).await?;
        let subject = claims.text("sub").unwrap_or_default().to_owned();
        let claims = match userinfo {
            Some(url) => claims.or(self.userinfo(&url, &told, &subject).await?),
            None => claims,
        };
        Ok(self.person(subject, &claims))
    }

    /// Keys may have changed since we read them: then they are read again.
    async fn verify(
        &self,
        client: &Client,
        told: &CoreTokenResponse,
        token: &CoreIdToken,
        nonce: &Nonce,
    ) -> Result<Claims, LoginError> {
        match verified(token, client.id_token_verifier(), nonce) {
            Ok(claims) => ensure_same_access(client, told, token).map(|()| claims),
            Err(openidconnect::ClaimsVerificationError::SignatureVerification(_)) => {
                let (client, _) = self.client(RETRY).await?;
                let claims = verified(token, client.id_token_verifier(), nonce);
                let claims = claims.map_err(|error| LoginError::wrong(error.to_string()))?;
                ensure_same_access(&client, told, token).map(|()| claims)
            }
            Err(error) => Err(LoginError::wrong(error.to_string())),
        }
    }

    /// Some providers tell teams only there.
    async fn userinfo(
        &self,
        url: &str,
        told: &CoreTokenResponse,
        subject: &str,
    ) -> Result<Claims, LoginError> {
        let all: Map<String, Value> = self
            .http
            .json(url, told.access_token().secret())
            .await
            .map_err(|error| LoginError::unreachable(&error))?;
        let claims = Claims::new(all);
        if claims.text("sub") != Some(subject) {
            return Err(LoginError::wrong("it told of another person than the identity token"));
        }
        Ok(claims)
    }

    fn person(&self, subject: String, claims: &Claims) -> Person {
        let name = self.name_claims.iter().find_map(|claim| claims.text(claim));
        let teams = claims.words(&self.groups_claim).unwrap_or_default();
        // Keycloak writes its groups as paths.
        let teams = teams.into_iter().map(|team| team.trim_start_matches('/').to_owned()).collect();
        Person {
            subject,
            name: name.unwrap_or_default().to_owned(),
            mail: claims.text("email").map(str::to_owned),
            teams: Some(teams),
        }
    }

    /// And where the provider tells more of the person.
    async fn client(&self, fresh: Duration) -> Result<(Client, Option<String>), LoginError> {
        let mut known = self.known.lock().await;
        if known.as_ref().is_none_or(|(read, _)| read.elapsed() > fresh) {
            let http = |request| self.http.ask(request);
            let read = CoreProviderMetadata::discover_async(self.issuer.clone(), &http).await;
            *known = Some((Instant::now(), read.map_err(|error| LoginError::unreachable(&error))?));
        }
        let Some((_, metadata)) = known.as_ref() else { return Err(LoginError::wrong("it has no keys")) };
        let userinfo = metadata.userinfo_endpoint().map(|url| url.as_str().to_owned());
        let methods = metadata.token_endpoint_auth_methods_supported();
        let takes_basic = methods.is_none_or(|all| all.contains(&CoreClientAuthMethod::ClientSecretBasic));
        let client =
            CoreClient::from_provider_metadata(metadata.clone(), self.id.clone(), self.secret.clone())
                .set_redirect_uri(self.redirect.clone())
                .set_auth_type(if takes_basic { AuthType::BasicAuth } else { AuthType::RequestBody });
        Ok((client, userinfo))
    }
}

/// The access token is the one that came with the identity token.
fn ensure_same_access(
    client: &Client,
    told: &CoreTokenResponse,
    token: &CoreIdToken,
) -> Result<(), LoginError> {
    let broken = |error: &dyn std::fmt::Display| LoginError::wrong(error.to_string());
    let verifier = client.id_token_verifier();
    let claims = super::claims::payload_hash(token);
    let Some(expected) = claims else { return Ok(()) };
    let alg = token.signing_alg().map_err(|error| broken(&error))?;
    let key = token.signing_key(&verifier).map_err(|error| broken(&error))?;
    let actual =
        AccessTokenHash::from_token(told.access_token(), alg, key).map_err(|error| broken(&error))?;
    if *actual != expected {
        return Err(LoginError::wrong("its tokens do not belong together"));
    }
    Ok(())
}
