"""Makes behaviour.json: logistic regressions, AUROC with ties and quantiles, by scikit-learn and numpy.

Run with scikit-learn 1.4 or later and numpy:  python make_behaviour_goldens.py
Everything is computed in float64 from inputs rounded to three decimals.  Tolerance of the tests: 1e-6
absolute on weights and scores, which both sides find to about 1e-8, and 1e-12 on AUROC and quantiles.
"""

import json
import pathlib

import numpy
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.preprocessing import StandardScaler

random = numpy.random.default_rng(20260510)


def probe(rows, columns, strength, signal=1.0, constant=False):
    """Summed log-loss + strength / 2 |w|^2 on standardised columns, the offset free."""
    labels = random.random(rows) < 0.4
    labels[0], labels[1] = True, False
    features = random.normal(size=(rows, columns)) * numpy.exp(random.normal(size=columns))
    features += signal * labels[:, None] * random.normal(size=columns) + random.normal(size=columns)
    if constant:
        features[:, 1] = 0.1
    features = features.round(3)
    held_out = random.normal(size=(3, columns)).round(3)
    scaler = StandardScaler().fit(features)
    model = LogisticRegression(C=1 / strength, solver="newton-cholesky", tol=1e-12, max_iter=10000)
    model.fit(scaler.transform(features), labels)
    return {
        "features": features.tolist(), "labels": labels.tolist(), "strength": strength,
        "weights": model.coef_[0].tolist(), "bias": float(model.intercept_[0]),
        "heldOut": held_out.tolist(),
        "scores": model.decision_function(scaler.transform(held_out)).tolist(),
    }


def area(rows, places):
    labels = random.random(rows) < 0.5
    labels[0], labels[1] = True, False
    scores = (random.normal(size=rows) + labels).round(places)
    return {"scores": scores.tolist(), "labels": labels.tolist(), "auroc": roc_auc_score(labels, scores)}


def quantile(count, share):
    values = numpy.sort(random.normal(size=count))
    return {"values": values.tolist(), "share": share, "value": float(numpy.quantile(values, share))}


golden = {
    "probes": [
        probe(40, 3, 1.0), probe(30, 5, 10.0), probe(12, 20, 1.0), probe(25, 4, 100.0, constant=True),
        # Told apart without error: only the penalty keeps weights finite.
        probe(16, 3, 1.0, signal=30.0), probe(20, 9, 1000.0), probe(20, 8, 0.001, signal=4.0),
    ],
    "areas": [area(50, 6), area(60, 1), area(40, 0), area(2, 3)],
    "quantiles": [quantile(11, 0.025), quantile(1000, 0.975), quantile(1, 0.5), quantile(8, 1.0)],
}
path = pathlib.Path(__file__).parent / "behaviour.json"
path.write_text(json.dumps(golden) + "\n")
