//! What the stories of forms share: people around a project, and what a page says at a field.

use coppice_model::UnixTime;
use coppice_store::{StoreError, groups, users};
use serde_json::json;

use crate::support::{Answer, CHROOTS, Frontend, Member};

impl Frontend {
    /// `tools` with these members, who are there already.
    pub async fn group(&self, name: &str, members: &[&str]) {
        let owner = format!("@{name}").parse().unwrap();
        let members: Vec<String> = members.iter().map(|&name| name.to_owned()).collect();
        let added = self.store().write(move |tx| {
            let group = groups::insert(tx, &owner, UnixTime(1))?;
            for name in members {
                let user = users::find_by_name(tx, &name)?.expect("the user is there");
                groups::insert_member(tx, &group, user.id)?;
            }
            Ok::<_, StoreError>(())
        });
        added.await.unwrap();
    }

    /// A user who may do everything.
    pub async fn make_admin(&self, name: &str) {
        let name = name.to_owned();
        let made = self.store().write(move |tx| {
            let user = users::find_by_name(tx, &name)?.expect("the user is there");
            users::update(tx, user.id, None, true)
        });
        made.await.map_err(|error: StoreError| error).unwrap();
    }
}

/// `@tools/foo` with the first chroot.
pub async fn group_project(frontend: &Frontend, member: &Member<'_>) {
    frontend.group("tools", &[&member.name]).await;
    let body = json!({ "name": "foo", "chroots": [CHROOTS[0]] });
    member.post("/api_3/project/add/@tools", &body).await.ok();
}

/// What stands at the field.
pub fn problem_at<'a>(answer: &'a Answer, field: &str) -> &'a str {
    let (_, rest) = answer
        .text
        .split_once(&format!("id=\"f-{field}-err\">"))
        .unwrap_or_else(|| panic!("{field} has no problem in {} {}", answer.status, answer.text));
    rest.split("</span>").next().unwrap()
}

/// The form is shown again, with a problem at exactly these fields.
#[track_caller]
pub fn assert_refused(answer: &Answer, fields: &[&str]) {
    assert_eq!(answer.status, 400, "{}", answer.text);
    let mut found: Vec<&str> =
        answer.text.split("<a href=\"#f-").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    found.sort_unstable();
    let mut wanted = fields.to_vec();
    wanted.sort_unstable();
    assert_eq!(found, wanted, "{}", answer.text);
}

/// The form was taken and leads to `url`.
#[track_caller]
pub fn assert_taken(answer: &Answer, url: &str) {
    assert_eq!((answer.status.as_u16(), answer.header("location")), (303, url), "{}", answer.text);
}

/// The visitor is sent to log in and come back.
#[track_caller]
pub fn assert_login(answer: &Answer, next: &str) {
    let to = format!("/login/?next={}", next.replace('/', "%2F"));
    assert_eq!((answer.status.as_u16(), answer.header("location")), (302, to.as_str()), "{}", answer.text);
}
