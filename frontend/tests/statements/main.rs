//! How many statements an answer takes: the same for a short list and for a long one.
//!
//! A program of its own, because every connection of the process is counted.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on may stop anywhere")]

#[path = "../http/support.rs"]
#[expect(dead_code, reason = "shared with tests that use more of it")]
mod support;

use std::sync::Mutex;

use coppice_kit::corpus;
use coppice_store::plain;
use support::Frontend;

static ASKED: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// Of one good answer: the fewest of several, because the service asks something by itself now and then.
async fn statements(frontend: &Frontend, path: &str) -> Vec<String> {
    let mut fewest: Option<Vec<String>> = None;
    for _ in 0..4 {
        ASKED.lock().unwrap().clear();
        let answer = frontend.get(path).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text);
        let asked = ASKED.lock().unwrap().clone();
        fewest = fewest.filter(|known| known.len() <= asked.len()).or(Some(asked));
    }
    fewest.unwrap()
}

/// Addresses whose answers differ in length only, and the most that each may ask.
const LISTS: [(&str, &str, usize); 18] = [
    ("/api_3/project/list?limit=1", "/api_3/project/list?limit=500", 2),
    ("/api_3/project/list?ownername=user001&limit=1", "/api_3/project/list?ownername=user001", 2),
    ("/api_3/project/search?query=proj&limit=1", "/api_3/project/search?query=proj&limit=500", 2),
    (
        "/api_3/build/list?ownername=user001&projectname=proj-0001&limit=1",
        "/api_3/build/list?ownername=user001&projectname=proj-0001&limit=500",
        3,
    ),
    (
        "/api_3/build/list?ownername=user001&projectname=proj-0001&limit=1&status=succeeded",
        "/api_3/build/list?ownername=user001&projectname=proj-0001&limit=500&status=succeeded",
        3,
    ),
    (
        "/api_3/package/list?ownername=user001&projectname=proj-0001&limit=1&with_latest_build=True&with_latest_succeeded_build=True",
        "/api_3/package/list?ownername=user001&projectname=proj-0001&limit=20&with_latest_build=True&with_latest_succeeded_build=True",
        8,
    ),
    (
        "/api_3/monitor?ownername=user001&projectname=proj-0541",
        "/api_3/monitor?ownername=user001&projectname=proj-0001",
        2,
    ),
    ("/api_3/build-chroot/list?build_id=1&limit=1", "/api_3/build-chroot/list?build_id=1", 2),
    // Pages. The longest project has 5,000 builds, the other one 18.
    ("/coprs/user001/proj-0541/", "/coprs/user001/proj-0001/", 5),
    ("/coprs/user001/proj-0541/builds/?state=failed", "/coprs/user001/proj-0001/builds/", 4),
    ("/coprs/user001/proj-0001/packages/?q=pkg-01", "/coprs/user001/proj-0001/packages/", 4),
    ("/coprs/user001/proj-0541/monitor/", "/coprs/user001/proj-0001/monitor/", 3),
    ("/coprs/user001/proj-0541/monitor/detailed/", "/coprs/user001/proj-0001/monitor/detailed/", 3),
    ("/coprs/user001/proj-0001/package/pkg-01/", "/coprs/user002/proj-0002/package/pkg-02/", 4),
    ("/coprs/user199/", "/coprs/user001/", 5),
    ("/coprs/fulltext/?fulltext=proj-0999", "/coprs/fulltext/?fulltext=pkg-0", 3),
    ("/coprs/packages/search/?name=pkg-01&version=1.7", "/coprs/packages/search/?name=pkg-01", 1),
    ("/coprs/50/", "/", 3),
];

#[tokio::test(flavor = "multi_thread")]
async fn a_long_list_takes_as_many_statements_as_a_short_one() {
    plain::watch(|statement| ASKED.lock().unwrap().push(statement.to_owned())).unwrap();
    let frontend = Frontend::start_bare(|_| {}).await;
    corpus::fill(frontend.store(), false).await.unwrap();
    for (short, long, most) in LISTS {
        let few = statements(&frontend, short).await;
        let many = statements(&frontend, long).await;
        assert_eq!(few.len(), many.len(), "{short} and {long}:\n{}", many.join("\n"));
        assert!(!few.is_empty() && few.len() <= most, "{short}:\n{}", few.join("\n"));
    }
    let list = "/api_3/build/list?ownername=user001&projectname=proj-0001&limit=1&order=id&order_type=DESC";
    let newest = frontend.get(list).await.ok()["items"][0]["id"].as_i64().unwrap();
    let mut of_builds = Vec::new();
    for id in [1, newest] {
        let page = frontend.get(&format!("/coprs/build/{id}")).await.header("location").to_owned();
        of_builds.push(statements(&frontend, &page).await);
    }
    let [first, last] = of_builds.as_slice() else { unreachable!() };
    assert_eq!(first.len(), last.len(), "{}", last.join("\n"));
    assert!(!first.is_empty() && first.len() <= 6, "{}", first.join("\n"));
    frontend.close().await;
}
