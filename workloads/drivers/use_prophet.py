"""prophet: fit 200 days with a known trend and weekly wave, and forecast four weeks. The fit runs a Stan program of its own."""

import logging

import numpy as np
import pandas as pd
from prophet import Prophet

logging.disable(logging.CRITICAL)  # its lines begin with the time

DAYS = 200
days = pd.date_range("2023-01-01", periods=DAYS, freq="D")
wave = np.sin(2 * np.pi * np.arange(DAYS + 28) / 7)
truth = 10 + 0.05 * np.arange(DAYS + 28) + 3 * wave
noise = np.random.default_rng(1).normal(0, 0.1, DAYS)

model = Prophet(yearly_seasonality=False, daily_seasonality=False, uncertainty_samples=0)
model.fit(pd.DataFrame({"ds": days, "y": truth[:DAYS] + noise}), seed=1)
forecast = model.predict(model.make_future_dataframe(periods=28))["yhat"].to_numpy()

assert len(forecast) == DAYS + 28
inside = float(np.abs(forecast - truth)[:DAYS].mean())
ahead = float(np.abs(forecast - truth)[DAYS:].mean())
assert inside < 0.1, inside
assert ahead < 0.5, ahead
print("fitted", len(model.changepoints), "changepoints; error inside below 0.1, ahead below 0.5")
