//! One user's way through the main job, and how far it came.

use std::{ops::RangeInclusive, time::Duration};

use stepgate_client::{
    Answer, ClientError, Hint, HintAlgorithm, Request, Tenant, User, next_message, requests,
};

use crate::support::Admin;

const DELIVERY: Duration = Duration::from_secs(20);

/// In order: each stage includes the ones before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    Nothing,
    UserMade,
    MfaOn,
    DevicePaired,
    Begun,
    CodeChecked,
    Resumed,
    Redeemed,
}

#[derive(Debug)]
pub(super) struct Journey {
    user: User,
    user_id: String,
    device_id: String,
    flow_id: String,
    cookie: String,
    authorization_code: String,
    access_token: String,
    /// The last stage whose answer came.
    acknowledged: Stage,
    /// The last stage that was asked for: it may or may not have happened.
    attempted: Stage,
}

impl Journey {
    pub(super) fn new(number: u32) -> Self {
        Self {
            user: User::numbered(number),
            user_id: String::new(),
            device_id: String::new(),
            flow_id: String::new(),
            cookie: String::new(),
            authorization_code: String::new(),
            access_token: String::new(),
            acknowledged: Stage::Nothing,
            attempted: Stage::Nothing,
        }
    }

    pub(super) fn has_user(&self) -> bool {
        self.acknowledged >= Stage::UserMade
    }

    /// Where the code went, and how often it may have been sent: once when the flow said so, and
    /// perhaps once when its answer was lost.
    pub(super) fn messages(&self) -> (String, RangeInclusive<usize>) {
        let least = usize::from(self.acknowledged >= Stage::Begun);
        let most = usize::from(self.attempted >= Stage::Begun);
        (self.user.phone.clone(), least..=most)
    }

    /// Goes on from wherever it stands to the end. Answers whether the server still lives.
    pub(super) async fn go(
        &mut self,
        admin: &Admin,
        tenant: &Tenant,
        acknowledged: &(dyn Fn() + Sync),
    ) -> bool {
        while self.acknowledged < Stage::Redeemed {
            match self.advance(admin, tenant).await {
                Ok(()) => acknowledged(),
                Err(ClientError::Transport(_)) => return false,
                Err(error) => panic!("after {:?}: {error}", self.acknowledged),
            }
        }
        true
    }

    async fn advance(&mut self, admin: &Admin, tenant: &Tenant) -> Result<(), ClientError> {
        let (env, token) = (&tenant.environment.id, &admin.token);
        match self.acknowledged {
            Stage::Nothing => {
                let request =
                    requests::user(env, &tenant.population_id, &self.user.username).bearer(token);
                self.user_id = self
                    .reach(Stage::UserMade, admin, request, 201)
                    .await?
                    .text("/id")?
                    .to_owned();
            }
            Stage::UserMade => {
                let request = requests::enable_mfa(env, &self.user_id).bearer(token);
                self.reach(Stage::MfaOn, admin, request, 200).await?;
            }
            Stage::MfaOn => {
                let request =
                    requests::sms_device(env, &self.user_id, &self.user.phone).bearer(token);
                let answer = self.reach(Stage::DevicePaired, admin, request, 201).await?;
                answer.text("/id")?.clone_into(&mut self.device_id);
            }
            Stage::DevicePaired => {
                let audience = tenant.issuer(&admin.client);
                let hint = Hint::starting_now(&tenant.client_id, &self.user_id, &audience, 300)
                    .sign(HintAlgorithm::Hs256, &tenant.client_secret)?;
                let redirect_uri = &tenant.application.redirect_uri;
                let request = requests::authorize(env, &tenant.client_id, redirect_uri, &hint, &[]);
                let answer = self.reach(Stage::Begun, admin, request, 200).await?;
                assert_eq!(answer.body["status"], "OTP_REQUIRED");
                answer.text("/id")?.clone_into(&mut self.flow_id);
                self.cookie = answer.cookies().unwrap();
            }
            Stage::Begun => {
                let message = next_message(&admin.client, &self.user.phone, 0, DELIVERY).await?;
                let code = message.code.unwrap();
                let request = requests::check_code(env, &self.flow_id, &self.cookie, &code);
                self.reach(Stage::CodeChecked, admin, request, 200).await?;
            }
            Stage::CodeChecked => {
                let request = requests::resume(env, &self.flow_id, &self.cookie);
                let answer = self.reach(Stage::Resumed, admin, request, 200).await?;
                answer
                    .text("/authorizeResponse/code")?
                    .clone_into(&mut self.authorization_code);
            }
            Stage::Resumed => {
                let request = tenant.redemption(&self.authorization_code);
                let answer = self.reach(Stage::Redeemed, admin, request, 200).await?;
                answer
                    .text("/access_token")?
                    .clone_into(&mut self.access_token);
            }
            Stage::Redeemed => {}
        }
        Ok(())
    }

    async fn reach(
        &mut self,
        stage: Stage,
        admin: &Admin,
        request: Request,
        status: u16,
    ) -> Result<Answer, ClientError> {
        self.attempted = stage;
        let answer = admin.client.call(request, status).await?;
        self.acknowledged = stage;
        Ok(answer)
    }

    /// After the restart: all that was acknowledged is there, what was only attempted is there
    /// wholly or not at all, and the way can be gone to its end.
    pub(super) async fn must_have_survived(mut self, admin: &Admin, tenant: &Tenant) {
        let env = &tenant.environment.id;
        if self.has_user() {
            let user = Request::get(requests::management(
                env,
                &format!("users/{}", self.user_id),
            ));
            let user = admin.call(user, 200).await;
            if self.acknowledged >= Stage::MfaOn {
                assert_eq!(user["mfaEnabled"], true);
            }
        }
        if self.acknowledged >= Stage::DevicePaired {
            let path = format!("users/{}/devices/{}", self.user_id, self.device_id);
            let device = admin
                .call(Request::get(requests::management(env, &path)), 200)
                .await;
            assert_eq!(device["status"], "ACTIVE");
        }
        match self.acknowledged {
            Stage::Nothing | Stage::UserMade | Stage::MfaOn | Stage::DevicePaired => {}
            Stage::Begun | Stage::CodeChecked => self.flow_must_have_survived(admin, tenant).await,
            Stage::Resumed => self.code_must_have_survived(admin, tenant).await,
            Stage::Redeemed => self.tokens_must_have_survived(admin, tenant).await,
        }
    }

    async fn flow_must_have_survived(&mut self, admin: &Admin, tenant: &Tenant) {
        next_message(&admin.client, &self.user.phone, 0, DELIVERY)
            .await
            .unwrap();
        let request = requests::flow(&tenant.environment.id, &self.flow_id, &self.cookie);
        let answer = admin.client.send(&request).await.unwrap();
        if self.attempted == Stage::Resumed && answer.status == 404 {
            // Resumed, but the code was lost with its answer: the flow is consumed.
            return;
        }
        assert_eq!(
            answer.status, 200,
            "{:?}: {}",
            self.acknowledged, answer.body
        );
        match answer.body["status"].as_str() {
            Some("OTP_REQUIRED") => assert_eq!(
                self.acknowledged,
                Stage::Begun,
                "the accepted code was forgotten"
            ),
            Some("COMPLETED") => {
                assert!(
                    self.attempted >= Stage::CodeChecked,
                    "completed without a code"
                );
                self.acknowledged = Stage::CodeChecked;
            }
            other => panic!("{other:?} after {:?}", self.acknowledged),
        }
        assert!(self.go(admin, tenant, &|| {}).await);
    }

    async fn code_must_have_survived(&mut self, admin: &Admin, tenant: &Tenant) {
        let flow = requests::flow(&tenant.environment.id, &self.flow_id, &self.cookie);
        assert_eq!(
            admin.client.send(&flow).await.unwrap().status,
            404,
            "a resumed flow is consumed"
        );
        let answer = admin
            .client
            .send(&tenant.redemption(&self.authorization_code))
            .await
            .unwrap();
        match answer.status {
            200 => {}
            400 => assert_eq!(
                self.attempted,
                Stage::Redeemed,
                "the code was forgotten: {}",
                answer.body
            ),
            status => panic!("{status}: {}", answer.body),
        }
    }

    async fn tokens_must_have_survived(&mut self, admin: &Admin, tenant: &Tenant) {
        let introspect = Request::post(format!("/{}/as/introspect", tenant.environment.id))
            .basic(&tenant.client_id, &tenant.client_secret)
            .form(&[("token", self.access_token.as_str())]);
        let answer = admin.client.call(introspect, 200).await.unwrap();
        assert_eq!(answer.body["active"], true, "the token was forgotten");
        let again = admin
            .client
            .call(tenant.redemption(&self.authorization_code), 400)
            .await
            .unwrap();
        assert_eq!(
            again.body["error"], "invalid_grant",
            "a redeemed code works again"
        );
    }
}
