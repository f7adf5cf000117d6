use super::*;

fn profile(title: &str, service: &str, alerts: &[&str]) -> Profile {
    Profile {
        title: title.to_owned(),
        service: Some(service.to_owned()).filter(|service| !service.is_empty()),
        alerts: alerts.iter().map(|&alert| alert.to_owned()).collect(),
        ..Profile::default()
    }
}

fn incident(id: u32, profile: Profile) -> PastIncident<u32> {
    PastIncident { id, profile, vector: None }
}

fn seen(incident: PastIncident<u32>, values: &[f32]) -> PastIncident<u32> {
    PastIncident {
        vector: Some(ModelVector { model: "m@1".to_owned(), values: values.to_vec() }),
        ..incident
    }
}

/// Pseudo-random numbers below `end`, the same each time (`SplitMix64`).
fn dice(seed: u64) -> impl FnMut(usize) -> usize {
    let mut state = seed;
    move |end| {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((z ^ (z >> 31)) >> 33).expect("31 bits") % end
    }
}

#[test]
fn the_same_alert_on_the_same_service_comes_first_and_what_is_unrelated_not_at_all() {
    let mut index = SimilarIndex::new();
    index.put(incident(1, profile("Orders fail on checkout", "checkout", &["HighErrorRate"])));
    index.put(incident(2, profile("Orders fail on payments", "payments", &["HighErrorRate"])));
    index.put(incident(3, profile("Disk of db-3 fills up", "db", &["DiskWillFill"])));
    index.put(incident(4, profile("Certificate of checkout expires", "checkout", &["CertExpires"])));
    let asked = incident(9, profile("Orders fail on checkout", "checkout", &["HighErrorRate"]));
    let found = index.search(&asked, 10);
    let told: Vec<_> = found.iter().map(|similar| (similar.id, similar.reason.as_str())).collect();
    let (first, second) = ("same alert and service; 100 % of the headline's words", (2, "same alert"));
    assert_eq!(told[0], (1, first));
    assert!((found[0].score - 1.0).abs() < 1e-6);
    assert_eq!(told.len(), 2, "{told:?}");
    assert_eq!(told[1].0, second.0);
    assert!(told[1].1.starts_with("same alert; another service (payments)"), "{told:?}");
}

#[test]
fn meaning_counts_where_the_words_differ() {
    let mut index = SimilarIndex::new();
    index.put(seen(incident(1, profile("Customers cannot pay", "shop", &["PaymentsFail"])), &[0.98, 0.2]));
    index.put(seen(incident(2, profile("Backup is late", "shop", &["BackupLate"])), &[0.1, 0.99]));
    let asked = seen(incident(9, profile("Checkout is broken", "shop", &["CheckoutErrors"])), &[1.0, 0.1]);
    let found = index.search(&asked, 10);
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!((found[0].id, found[0].reason.as_str()), (1, "same service; 99 % alike in wording"));
}

#[test]
fn vectors_of_another_model_fall_back_to_words() {
    let mut index = SimilarIndex::new();
    let old = seen(incident(1, profile("Orders fail", "shop", &["A"])), &[0.0, 1.0]);
    index.put(PastIncident {
        vector: old.vector.map(|vector| ModelVector { model: "old@1".to_owned(), ..vector }),
        ..old
    });
    let found = index.search(&seen(incident(9, profile("Orders fail", "shop", &["A"])), &[1.0, 0.0]), 1);
    assert_eq!(found[0].reason, "same alert and service; 100 % of the headline's words");
}

#[test]
fn what_is_shared_by_name_is_named() {
    let mut index = SimilarIndex::new();
    let mut past = profile("shop is down", "shop", &["Down", "HighErrorRate", "HighLatency", "Old"]);
    past.labels = [("cluster", "eu-1"), ("pod", "a"), ("severity", "page")]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
    let mut now = profile("shop is down again", "shop", &["Down", "HighErrorRate", "HighLatency"]);
    now.labels = [("cluster", "eu-1"), ("pod", "b"), ("severity", "page")]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
    index.put(incident(1, past));
    let found = index.search(&incident(9, now), 1);
    let reason = &found[0].reason;
    assert!(reason.starts_with("both had ") && reason.contains(" and 1 more, same service; "), "{reason}");
    assert!(reason.ends_with("; same cluster eu-1"), "{reason}");
}

#[test]
fn an_incident_is_replaced_removed_and_never_like_itself() {
    let mut index = SimilarIndex::new();
    let now = |id| incident(id, profile("Orders fail", "shop", &["HighErrorRate"]));
    for id in 0..4 {
        index.put(now(id));
    }
    let ids = |index: &SimilarIndex<u32>| {
        index.search(&now(3), 10).into_iter().map(|similar| similar.id).collect::<Vec<_>>()
    };
    assert_eq!(ids(&index), [2, 1, 0], "the latest of those that are equally alike comes first");
    index.put(incident(1, profile("Backup is late", "backup", &["BackupLate"])));
    assert_eq!((ids(&index), index.len()), (vec![2, 0], 4));
    assert!(index.remove(&0) && !index.remove(&0));
    assert_eq!((ids(&index), index.len()), (vec![2], 3));
}

#[test]
fn hardly_anything_known_is_like_nothing() {
    let mut index = SimilarIndex::new();
    index.put(incident(1, profile("", "shop", &[])));
    index.put(incident(2, Profile::default()));
    assert!(index.search(&incident(9, profile("", "shop", &[])), 10).is_empty());
    assert!(index.search(&incident(9, Profile::default()), 10).is_empty());
    assert!(SimilarIndex::new().search(&incident(9, profile("t", "s", &["A"])), 10).is_empty());
}

/// The same, worked out from the profiles themselves, without numbers for terms.
fn plainly(all: &[PastIncident<u32>], asked: &PastIncident<u32>) -> Vec<u32> {
    use std::collections::BTreeSet;
    let words =
        |profile: &Profile| terms::split_words(&profile.title).into_iter().collect::<BTreeSet<String>>();
    let alerts = |profile: &Profile| profile.alerts.iter().cloned().collect::<BTreeSet<String>>();
    let counts = |sets: Vec<BTreeSet<String>>| {
        let mut counts: HashMap<String, f64> = HashMap::new();
        for text in sets.into_iter().flatten() {
            *counts.entry(text).or_default() += 1.0;
        }
        counts
    };
    let incidents = f64::from(u32::try_from(all.len()).expect("few"));
    let word_counts = counts(all.iter().map(|past| words(&past.profile)).collect());
    let alert_counts = counts(all.iter().map(|past| alerts(&past.profile)).collect());
    let jaccard = |one: BTreeSet<String>, other: BTreeSet<String>, counts: &HashMap<String, f64>| {
        let weigh = |text: &String| (1.0 + incidents / counts.get(text).copied().unwrap_or(1.0)).ln();
        one.intersection(&other).map(weigh).sum::<f64>() / one.union(&other).map(weigh).sum::<f64>()
    };
    let mut scored: Vec<(f64, u32)> = Vec::new();
    for past in all {
        let vectors = past.vector.as_ref().zip(asked.vector.as_ref());
        let wording = vectors.map_or_else(
            || jaccard(words(&asked.profile), words(&past.profile), &word_counts),
            |(one, other)| {
                let product = |a: &[f32], b: &[f32]| {
                    a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum::<f64>()
                };
                let length = |vector: &ModelVector| product(&vector.values, &vector.values).sqrt();
                let cosine = product(&one.values, &other.values) / length(one) / length(other);
                ((cosine - 0.25) / 0.75).clamp(0.0, 1.0)
            },
        );
        let service = f64::from(u8::from(past.profile.service == asked.profile.service));
        let alert = jaccard(alerts(&asked.profile), alerts(&past.profile), &alert_counts);
        scored.push(((0.35 * alert + 0.15 * service + 0.4 * wording) / 0.9, past.id));
    }
    scored.retain(|(score, _)| *score >= f64::from(FLOOR));
    // Scores of the index have seven digits.
    scored.sort_by_key(|&(score, id)| std::cmp::Reverse(((score * 1e5).round().to_bits(), id)));
    scored.into_iter().map(|(_, id)| id).collect()
}

#[test]
fn ten_thousand_incidents_come_in_the_order_of_a_plain_computation() {
    const WORDS: [&str; 12] = [
        "orders",
        "latency",
        "disk",
        "memory",
        "queue",
        "certificate",
        "backup",
        "login",
        "search",
        "cache",
        "leader",
        "replica",
    ];
    let mut dice = dice(7);
    let mut all = Vec::new();
    for id in 0..10_000 {
        let title: Vec<&str> = (0..4).map(|_| WORDS[dice(WORDS.len())]).collect();
        let alerts: Vec<String> = (0..=dice(3)).map(|_| format!("Alert{}", dice(60))).collect();
        let alerts: Vec<&str> = alerts.iter().map(String::as_str).collect();
        let past = incident(id, profile(&title.join(" "), &format!("service-{}", dice(40)), &alerts));
        let values: Vec<f32> =
            (0..384).map(|_| f32::from(u16::try_from(dice(2000)).expect("small")) - 600.0).collect();
        // A third was seen when there was no model.
        all.push(if id % 3 == 0 { past } else { seen(past, &values) });
    }
    let mut index = SimilarIndex::new();
    for past in &all {
        index.put(past.clone());
    }
    for asked in [&all[4], &all[33], &all[7_777]] {
        let asked = PastIncident { id: 1_000_000, ..asked.clone() };
        let began = std::time::Instant::now();
        let found: Vec<(u32, f32)> =
            index.search(&asked, 20).into_iter().map(|similar| (similar.id, similar.score)).collect();
        println!("a search of 10,000 took {:?}", began.elapsed());
        let ids: Vec<u32> = found.iter().map(|(id, _)| *id).collect();
        let expected = plainly(&all, &asked);
        assert_eq!(ids, expected[..expected.len().min(20)], "{found:?}");
        assert!(!ids.is_empty());
    }
}
