use crate::fixture::World;

/// Queries and commits since the last look.
struct Meter<'a> {
    world: &'a World,
    seen: (u64, u64),
}

impl Meter<'_> {
    fn read(&mut self) -> (u64, u64) {
        let now = self.world.engine.statistics();
        let spent = (now.queries - self.seen.0, now.commits - self.seen.1);
        self.seen = (now.queries, now.commits);
        spent
    }
}

#[tokio::test]
async fn each_request_of_the_main_job_costs_one_query_and_one_commit() {
    let world = World::new().await;
    let user = world.mira().await;
    // Configuration is cached from here on.
    world.sign_on("mira.k").await;
    for subject in ["mira.k".to_owned(), user.to_string()] {
        world.wait(stepgate_domain::time::Duration::from_seconds(61));
        let mut meter = Meter {
            world: &world,
            seen: (0, 0),
        };
        meter.read();
        let flow = world.begin(&subject).await;
        assert_eq!(meter.read(), (1, 1), "authorize");
        let code = world.sent_code().await;
        meter.read();
        world.check(&flow, &code).await.unwrap();
        assert_eq!(meter.read(), (1, 1), "otp.check");
        world.code(&flow).await;
        assert_eq!(meter.read(), (1, 1), "resume");
    }
}
