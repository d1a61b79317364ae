// Loaded before the broker by the rows that show what the recorder costs. HAWSER_BENCH_RECORDER=off: nobody is told anything, the
// recorder least of all. The product has no such switch, for the recorder is always on.
import { Broker, Recorder } from '../packages/broker/dist/index.js';

if (process.env.HAWSER_BENCH_RECORDER === 'off') {
  const { open } = Broker.prototype;
  Broker.prototype.open = function (options) {
    this.observer = {};
    return open.call(this, options);
  };
  Recorder.prototype.countLost = () => {};
  Recorder.prototype.open = async () => {};
  Recorder.prototype.close = async () => {};
}
