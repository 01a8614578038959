"""scikit-learn: a forest fitted by two workers equals the one fitted by one, a pipeline under cross validation, k-means."""

import numpy as np
from sklearn.cluster import KMeans
from sklearn.datasets import make_blobs, make_classification
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler


def forest():
    x, y = make_classification(n_samples=1500, n_features=20, n_informative=8, random_state=1)
    train_x, test_x, train_y, test_y = train_test_split(x, y, random_state=2)
    two = RandomForestClassifier(n_estimators=40, n_jobs=2, random_state=3).fit(train_x, train_y)
    one = RandomForestClassifier(n_estimators=40, n_jobs=1, random_state=3).fit(train_x, train_y)
    assert (two.predict(test_x) == one.predict(test_x)).all()
    score = two.score(test_x, test_y)
    assert score > 0.85, score
    print("forest", round(score, 4))


def pipeline():
    x, y = make_classification(n_samples=800, n_features=12, random_state=4)
    scores = cross_val_score(make_pipeline(StandardScaler(), LogisticRegression()), x, y, cv=4, n_jobs=2)
    assert len(scores) == 4 and scores.min() > 0.75
    print("cross_val", [round(float(s), 4) for s in scores])


def clusters():
    x, truth = make_blobs(n_samples=3000, centers=5, cluster_std=0.5, center_box=(-20, 20), random_state=6)
    found = KMeans(5, n_init=3, random_state=7).fit_predict(x)
    for label in range(5):
        members = truth[found == label]
        assert (members == members[0]).all(), "a cluster mixes two blobs"
    print("kmeans", sorted(np.bincount(found).tolist()))


if __name__ == "__main__":
    forest()
    pipeline()
    clusters()
