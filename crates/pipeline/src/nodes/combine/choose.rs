//! The choices of points, and which lambda takes which of them.

/// The number of ways to choose `k` of `n`; the highest number there is when it is higher.
pub fn combinations(n: u64, k: u64) -> u128 {
    if k > n {
        return 0;
    }
    let mut count: u128 = 1;
    for i in 0..k.min(n - k) {
        // Exact: a product of consecutive numbers divides.
        let Some(product) = count.checked_mul(u128::from(n - i)) else { return u128::MAX };
        count = product / (u128::from(i) + 1);
    }
    count
}

/// Calls `take` for each choice of `k` of `n` points (in the order of their places) in which every
/// lambda finds a point, with the points by lambda.
pub fn each(n: usize, k: usize, matched: impl Fn(usize, usize) -> bool, mut take: impl FnMut(&[usize])) {
    // A choice with a point that no lambda wants cannot do: there are as many points as lambdas.
    let wanted: Vec<usize> = (0..n).filter(|&point| (0..k).any(|lambda| matched(lambda, point))).collect();
    if k == 0 || wanted.len() < k {
        return;
    }
    let mut places: Vec<usize> = (0..k).collect();
    let mut rest: Vec<usize> = Vec::with_capacity(k);
    let mut chosen: Vec<usize> = Vec::with_capacity(k);
    loop {
        rest.clear();
        rest.extend(places.iter().map(|&place| wanted[place]));
        chosen.clear();
        for lambda in 0..k {
            let Some(first) = rest.iter().position(|&point| matched(lambda, point)) else { break };
            chosen.push(rest.remove(first));
        }
        if chosen.len() == k {
            take(&chosen);
        }
        // The last place that can still move on takes those behind it along.
        let Some(at) = (0..k).rev().find(|&at| places[at] != at + wanted.len() - k) else { return };
        places[at] += 1;
        for next in at + 1..k {
            places[next] = places[next - 1] + 1;
        }
    }
}
