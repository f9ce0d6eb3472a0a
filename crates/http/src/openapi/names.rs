//! What operations, schemas and kinds are called in the description.

use axum::http::Method;
use stepgate_domain::resource::Kind;

/// `signOnPolicies` as words: `sign-on policies`.
pub(crate) fn words(name: &str) -> String {
    let mut words = String::new();
    for letter in name.chars() {
        if letter.is_uppercase() {
            words.push(' ');
        }
        words.extend(letter.to_lowercase());
    }
    words.replace("sign on", "sign-on")
}

/// `an application`, `a sign-on policy`.
pub(crate) fn a(name: &str) -> String {
    let noun = words(name);
    let article = if noun.starts_with(['a', 'e', 'i', 'o']) {
        "an"
    } else {
        "a"
    };
    format!("{article} {noun}")
}

/// ` of an application`, for kinds whose path runs through their owner.
pub(crate) fn of_owner(kind: &Kind) -> String {
    let owner = kind.parent.filter(|_| kind.nested);
    owner.map_or_else(String::new, |owner| format!(" of {}", a(owner.name)))
}

/// `billOfMaterials` as `BillOfMaterials`; what is between words goes.
pub(super) fn pascal(name: &str) -> String {
    let mut pascal = String::new();
    let mut begins = true;
    for letter in name.chars() {
        if !letter.is_ascii_alphanumeric() {
            begins = true;
        } else if begins {
            pascal.extend(letter.to_uppercase());
            begins = false;
        } else {
            pascal.push(letter);
        }
    }
    pascal
}

/// The name of a kind's schema: `UserDevice`.
pub(super) fn schema_name(kind: &Kind) -> String {
    let owner = kind.parent.filter(|_| kind.nested);
    let owner = owner.map_or_else(String::new, |owner| pascal(owner.name));
    owner + &pascal(kind.name)
}

/// What an operation does with what its path names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verb {
    List,
    Create,
    Other,
}

/// The id of an operation, from its method and path only, which stay as they are. The operations of
/// an environment need not say so, unless that is all that tells them from those of another tag.
pub(super) fn operation_id(method: &Method, path: &str, verb: Verb, keeps: bool) -> String {
    let Some(managed) = path.strip_prefix("/v1/") else {
        return method.as_str().to_ascii_lowercase() + &of_protocol(path);
    };
    let below = managed.strip_prefix("environments/{environmentID}/");
    let mut named = of_path(below.filter(|_| !keeps).unwrap_or(managed));
    if verb == Verb::Create {
        named = one_of(&named);
    }
    let verb = match (verb, method.as_str()) {
        (Verb::List, _) => "list",
        (Verb::Create, _) => "create",
        (Verb::Other, "GET") => "read",
        (Verb::Other, "PUT") => "replace",
        (Verb::Other, "PATCH") => "patch",
        (Verb::Other, "DELETE") => "delete",
        (Verb::Other, _) => "actOn",
    };
    verb.to_owned() + &named
}

/// `users/{userID}/devices` as `UserDevices`.
fn of_path(path: &str) -> String {
    let mut name = String::new();
    let mut segments = path.split('/').peekable();
    while let Some(segment) = segments.next() {
        let parameter = segments.next_if(|next| next.starts_with('{'));
        let parameter = parameter.map(|it| it.trim_matches(['{', '}']));
        match parameter.and_then(|it| it.strip_suffix("ID").or_else(|| it.strip_suffix("Name"))) {
            Some(object) => name += &pascal(object),
            None => name += &pascal(segment),
        }
    }
    name
}

/// `Policies` as `Policy`.
fn one_of(many: &str) -> String {
    match (many.strip_suffix("ies"), many.strip_suffix('s')) {
        (Some(stem), _) => format!("{stem}y"),
        (None, Some(one)) => one.to_owned(),
        (None, None) => many.to_owned(),
    }
}

/// `/{environmentID}/as/token` as `Token`. The endpoints without an environment are named after the
/// others.
fn of_protocol(path: &str) -> String {
    let is_bare = path.starts_with("/as/");
    let path_without = path.replace("/{environmentID}", "");
    let name = of_path(path_without.strip_prefix("/as/").unwrap_or(&path_without));
    let ending = match (is_bare, path.len() > 1 && path.ends_with('/')) {
        (true, _) => "WithoutEnvironment",
        (false, true) => "Page",
        (false, false) => "",
    };
    name + ending
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_read_off_the_path() {
        let of = |method: Method, path: &str, verb| operation_id(&method, path, verb, false);
        let user = "/v1/environments/{environmentID}/users/{userID}";
        assert_eq!(of(Method::GET, user, Verb::Other), "readUser");
        let devices = format!("{user}/devices");
        assert_eq!(of(Method::GET, &devices, Verb::List), "listUserDevices");
        assert_eq!(of(Method::POST, &devices, Verb::Create), "createUserDevice");
        let token = "/{environmentID}/as/token";
        assert_eq!(of(Method::POST, token, Verb::Other), "postToken");
        let flow = "/{environmentID}/flows/{flowID}";
        assert_eq!(of(Method::GET, flow, Verb::Other), "getFlow");
    }

    #[test]
    fn kinds_are_called_as_people_call_them() {
        assert_eq!(a("application"), "an application");
        assert_eq!(a("signOnPolicyAssignment"), "a sign-on policy assignment");
        assert_eq!(a("user"), "a user");
    }
}
