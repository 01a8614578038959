"""lightgbm: boosted trees on two threads learn a known rule, survive saving and loading, and beat the mean by far."""

import os
import tempfile

import lightgbm as lgb
import numpy as np

rng = np.random.default_rng(9)
x = rng.random((2500, 10))
y = 3 * x[:, 0] + np.where(x[:, 1] > 0.5, 2.0, -2.0) + rng.normal(0, 0.05, 2500)

params = {"objective": "regression", "num_threads": 2, "deterministic": True, "force_row_wise": True, "seed": 1, "verbose": -1, "learning_rate": 0.2}
model = lgb.train(params, lgb.Dataset(x[:2000], y[:2000]), num_boost_round=40)
predicted = model.predict(x[2000:], num_threads=2)
error = float(np.mean((predicted - y[2000:]) ** 2))
assert error < 0.02 * float(np.var(y)), error

order = np.argsort(model.feature_importance("gain"))[::-1][:2]
assert sorted(order.tolist()) == [0, 1], order

with tempfile.TemporaryDirectory() as folder:
    file = os.path.join(folder, "model.txt")
    model.save_model(file)
    again = lgb.Booster(model_file=file)
    assert np.array_equal(again.predict(x[2000:], num_threads=2), predicted)

categories = (x[:, 2] * 3).astype(int)
classes = lgb.train({**params, "objective": "multiclass", "num_class": 3}, lgb.Dataset(x, categories), num_boost_round=8)
accuracy = float((classes.predict(x).argmax(1) == categories).mean())
assert accuracy > 0.98, accuracy
print("trees", model.num_trees(), "error below 2 % of the variance, accuracy above 98 %")
