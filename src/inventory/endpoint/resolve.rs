//! From an endpoint as written to what is asked for a host.

use std::sync::Arc;

use super::{EndpointDraft, HttpAccess, HttpAuth, HttpFormat};
use crate::inventory::credential::CredentialKind;
use crate::inventory::draft::Draft;
use crate::inventory::layer::Chosen;
use crate::inventory::nearest::nearest;
use crate::inventory::reach::Reports;
use crate::inventory::resolve::Effective;
use crate::profile::Profile;
use crate::reading::Method;

/// What the endpoint of that name is for this host; `None` when there is a problem.
pub(in crate::inventory) fn access<'d>(
    chosen: &Chosen,
    values: &Effective<'d>,
    address: &str,
    draft: &Draft,
    reports: &mut Reports<'d>,
) -> Option<HttpAccess> {
    let name = chosen.way.parameter.as_deref()?;
    let host = &values.host.name;
    let Some((_, found)) = values.http.iter().find(|(known, _)| *known == name) else {
        if values.suspect {
            return None;
        }
        let marks = values.collect.iter().map(|found| found.mark).collect();
        let sentence = format!("nothing says what `http:{name}` of the host {{}} asks for");
        let help = match nearest(name, values.http.iter().map(|(known, _)| *known)) {
            Some(likely) => format!("did you mean `http:{likely}`?"),
            None => format!(
                "add `http: {{{name}: {{port: 9100}}}}` or `http: {{{name}: {{url: …}}}}` to the host, its group or `defaults`"
            ),
        };
        reports.add("no-endpoint", marks, host, sentence, help);
        return None;
    };
    let endpoint = found.value;
    let profiles = profiles(endpoint, host, draft, reports);
    let auth = auth(endpoint, values, draft, reports);
    if endpoint.broken {
        return None;
    }
    Some(HttpAccess {
        name: name.into(),
        url: url(endpoint, address),
        format: endpoint.format,
        profiles: profiles?,
        auth: auth?,
        ca: endpoint.ca.clone(),
        verify: !endpoint.insecure,
    })
}

fn url(endpoint: &EndpointDraft, address: &str) -> String {
    if let Some(url) = &endpoint.url {
        return url.value.clone();
    }
    let scheme = endpoint.scheme.as_deref().unwrap_or("http");
    let host = match address.parse::<std::net::Ipv6Addr>() {
        Ok(address) => format!("[{address}]"),
        Err(_) => address.to_owned(),
    };
    let port = endpoint
        .port
        .map_or_else(String::new, |port| format!(":{port}"));
    let path = endpoint.path.as_deref().unwrap_or(match endpoint.format {
        HttpFormat::Prometheus => "/metrics",
        _ => "/",
    });
    format!("{scheme}://{host}{port}{path}")
}

fn profiles<'d>(
    endpoint: &EndpointDraft,
    host: &'d str,
    draft: &Draft,
    reports: &mut Reports<'d>,
) -> Option<Vec<Arc<Profile>>> {
    let all = &draft.profiles.profiles;
    let mut found = Vec::new();
    for name in &endpoint.profiles {
        let profile = all.iter().find(|profile| *profile.name == *name.value);
        match profile {
            Some(profile) if !profile.http.is_empty() => found.push(Arc::clone(profile)),
            Some(_) => {
                let sentence = format!(
                    "an endpoint of the host {{}} names the profile `{}`, which has no `http:`",
                    name.value
                );
                let help = "it is for another method: name one with `http:`".into();
                reports.add("unknown-profile", vec![name.mark], host, sentence, help);
            }
            None => {
                let sentence = format!(
                    "an endpoint of the host {{}} names the profile `{}`, which is not there",
                    name.value
                );
                let known = all.iter().filter(|p| !p.http.is_empty()).map(|p| &*p.name);
                let help = match nearest(&name.value, known) {
                    Some(likely) => format!("did you mean `{likely}`?"),
                    None => "put it into inventory/profiles".into(),
                };
                reports.add("unknown-profile", vec![name.mark], host, sentence, help);
            }
        }
    }
    (found.len() == endpoint.profiles.len()).then_some(found)
}

/// The credential that the endpoint names, else the one of the host that is for http.
fn auth<'d>(
    endpoint: &EndpointDraft,
    values: &Effective<'d>,
    draft: &Draft,
    reports: &mut Reports<'d>,
) -> Option<HttpAuth> {
    let host = &values.host.name;
    let Some(name) = &endpoint.credential else {
        let names = values
            .credentials
            .as_ref()
            .map_or(&[][..], |f| &f.value[..]);
        let mut kinds = names
            .iter()
            .filter_map(|name| draft.credentials.get(&name.value)?.kind.as_ref());
        return Some(kinds.find_map(of_kind).unwrap_or(HttpAuth::None));
    };
    let Some(credential) = draft.credentials.get(&name.value) else {
        let sentence = format!(
            "an endpoint of the host {{}} names the credential `{}`, which is not there",
            name.value
        );
        let help = match nearest(&name.value, draft.credentials.keys().map(String::as_str)) {
            Some(likely) => format!("did you mean `{likely}`?"),
            None => format!(
                "make it under `credentials:`: `{}: {{type: http-bearer, token: \"env:NAME\"}}`",
                name.value
            ),
        };
        reports.add("unknown-credential", vec![name.mark], host, sentence, help);
        return None;
    };
    // A mistake in it is reported there.
    let auth = of_kind(credential.kind.as_ref()?);
    if auth.is_none() {
        let sentence = format!(
            "the credential `{}` of an endpoint of the host {{}} is not for {}",
            name.value,
            Method::Http.as_str()
        );
        let help = "name one of type http-bearer or http-basic".into();
        reports.add("bad-credential-type", vec![name.mark], host, sentence, help);
    }
    auth
}

fn of_kind(kind: &CredentialKind) -> Option<HttpAuth> {
    match kind {
        CredentialKind::HttpBearer { token } => Some(HttpAuth::Bearer(token.clone())),
        CredentialKind::HttpBasic { user, password } => Some(HttpAuth::Basic {
            user: user.clone(),
            password: password.clone(),
        }),
        _ => None,
    }
}
