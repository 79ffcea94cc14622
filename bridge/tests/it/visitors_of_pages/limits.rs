//! How many visitors there may be: of a client, of an address, of a bot, and beside telephones.

use super::*;

#[tokio::test]
async fn visitors_are_counted_by_client_and_by_bot() {
    let scene =
        Scene::with(|config| config.server.trusted_proxies = vec![[127, 0, 0, 1].into()], |_| {}).await;
    let ask = async |client: &str| {
        let request = scene.bridge.request(Method::POST, TICKET).json(&scene.body()).header(ORIGIN, PAGE);
        request.header("x-forwarded-for", client).send().await.unwrap()
    };
    for _ in 0..OF_A_CLIENT {
        json(ask("203.0.113.1").await, StatusCode::CREATED).await;
    }
    let refused = ask("203.0.113.1").await;
    assert!(refused.headers().contains_key(RETRY_AFTER) && allowed(&refused) == Some(PAGE));
    assert_eq!(refusal(refused, StatusCode::TOO_MANY_REQUESTS).await, "too_many_visitors");
    for n in OF_A_CLIENT..OF_A_BOT {
        json(ask(&format!("203.0.113.{}", 2 + n)).await, StatusCode::CREATED).await;
    }
    assert_eq!(
        ask("198.51.100.1").await.status(),
        StatusCode::TOO_MANY_REQUESTS,
        "all visitors of the bot together"
    );
    scene.bridge.clock.advance(SignedDuration::from_secs(61));
    json(ask("203.0.113.1").await, StatusCode::CREATED).await;
}

/// The keys of all bots of a site stand in its pages.
#[tokio::test]
async fn visitors_of_pages_share_what_their_address_may_ask_of_all_bots() {
    let scene =
        Scene::with(|config| config.server.trusted_proxies = vec![[127, 0, 0, 1].into()], |_| {}).await;
    let mut bodies = vec![scene.body()];
    for _ in 0..2 {
        bodies.push(scene.another_bot().await);
    }
    let ask = async |body: &Value, client: &str| {
        let request = scene.bridge.request(Method::POST, TICKET).json(body).header(ORIGIN, PAGE);
        request.header("x-forwarded-for", client).send().await.unwrap()
    };
    for n in 0..OF_A_CLIENT_IN_ALL {
        let body = &bodies[usize::from(n >= OF_A_CLIENT)];
        json(ask(body, "203.0.113.1").await, StatusCode::CREATED).await;
    }
    let refused = ask(&bodies[2], "203.0.113.1").await;
    assert_eq!(refusal(refused, StatusCode::TOO_MANY_REQUESTS).await, "too_many_visitors");
    json(ask(&bodies[2], "203.0.113.2").await, StatusCode::CREATED).await;
}

#[tokio::test]
async fn visitors_of_pages_have_only_so_many_workers_wait_for_them() {
    let scene =
        Scene::with(|config| config.server.trusted_proxies = vec![[127, 0, 0, 1].into()], |_| {}).await;
    scene.register(200).await;
    let ask = async |body: &Value, client: &str| {
        let request = scene.bridge.request(Method::POST, TOKEN).json(body).header(ORIGIN, PAGE);
        request.header("x-forwarded-for", client).send().await.unwrap().status()
    };
    let (bodies, refused) =
        ([scene.body(), scene.another_bot().await, scene.another_bot().await], StatusCode::TOO_MANY_REQUESTS);
    // What no worker took keeps nobody out.
    scene.worker.says(Says::Refused(404, "not_found"));
    for _ in 0..=WAITED_OF_A_CLIENT {
        assert_eq!(ask(&bodies[0], "203.0.113.1").await, StatusCode::SERVICE_UNAVAILABLE);
    }
    scene.worker.says(Says::Accepted);
    // One address, whichever bot it asks for; one bot, whoever asks; one tenant, whichever bot.
    for n in 0..WAITED_OF_A_CLIENT {
        assert_eq!(ask(&bodies[usize::from(n % 2 == 1)], "203.0.113.1").await, StatusCode::CREATED);
    }
    assert_eq!(ask(&bodies[2], "203.0.113.1").await, refused);
    let of_the_first = WAITED_OF_A_CLIENT / 2;
    for (at, body) in bodies[..2].iter().enumerate() {
        for n in of_the_first..WAITED_OF_A_BOT {
            assert_eq!(ask(body, &format!("198.51.{at}.{n}")).await, StatusCode::CREATED, "{at} {n}");
        }
        assert_eq!(ask(body, "192.0.2.1").await, refused, "{at}");
    }
    assert_eq!(2 * WAITED_OF_A_BOT, WAITED_OF_A_TENANT);
    assert_eq!(ask(&bodies[2], "192.0.2.1").await, refused, "another bot of the tenant");
    scene.bridge.clock.advance(SignedDuration::from_secs(31));
    scene.register(200).await;
    assert_eq!(ask(&bodies[2], "192.0.2.1").await, StatusCode::CREATED);
}

#[tokio::test]
async fn visitors_of_pages_leave_slots_for_phones() {
    let scene = Scene::new().await;
    scene.register(5).await;
    for _ in 0..4 {
        json(scene.ask(TOKEN, &scene.body(), Some(PAGE)).await, StatusCode::CREATED).await;
    }
    for path in [TOKEN, TICKET] {
        let refused = scene.ask(path, &scene.body(), Some(PAGE)).await;
        assert_eq!(refusal(refused, StatusCode::SERVICE_UNAVAILABLE).await, "no_fleet", "{path}");
    }
    assert_eq!(scene.bridge.app.fleet.look().await.unwrap().capacity().available, 1);
}
