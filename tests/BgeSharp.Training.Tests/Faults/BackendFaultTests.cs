// The n-th step of a run goes wrong, for every n: what breaks a run leaves it whole, what gives bad numbers never reaches the weights. And a clock that lies changes nothing.

using System.Text.Json;
using BgeSharp.Formats;
using BgeSharp.Training.Stages;

namespace BgeSharp.Training.Tests.Faults;

public sealed class BackendFaultTests : IDisposable
{
    private const int Steps = 10;       // of all stages together
    private readonly TinyRun _run = new();

    public void Dispose() => _run.Dispose();

    [Theory, InlineData(BackendFault.Throws), InlineData(BackendFault.NoMemory)]
    public void A_backend_that_breaks_down_at_any_step_costs_nothing_but_time(BackendFault fault)
    {
        _run.Run("whole");
        Dictionary<string, string> whole = _run.Result("whole");
        for (int n = 1; n <= Steps; n++)
        {
            string name = $"run{n}";
            _run.Backend = new FaultyBackend(n, fault).Around;
            Exception e = Assert.ThrowsAny<Exception>(() => _run.Run(name));
            Assert.IsType(fault == BackendFault.NoMemory ? typeof(TrainingOutOfMemory) : typeof(BackendGone), e);
            _run.Backend = stage => stage;
            Assert.NotNull(_run.Run(name).State);
            Assert.Equal(whole, _run.Result(name));
        }
    }

    [Theory, InlineData(BackendFault.LossIsNaN), InlineData(BackendFault.GradientIsInfinite)]
    public void Bad_numbers_at_any_step_stand_in_the_events_and_in_no_weight(BackendFault fault)
    {
        for (int n = 1; n <= Steps; n++)
        {
            string name = $"run{n}";
            var backend = new FaultyBackend(n, fault);
            _run.Backend = backend.Around;
            Assert.NotNull(_run.Run(name).State);
            Assert.True(backend.Fired);
            string line = Assert.Single(File.ReadAllLines(Path.Combine(_run.In(name), "events.jsonl")));
            using var parsed = JsonDocument.Parse(line);
            Assert.Contains("not finite", parsed.RootElement.GetProperty("fault").GetString(), StringComparison.Ordinal);
            using var file = SafeTensorsFile.Open(Path.Combine(_run.In(name), "model/model.safetensors"));
            Assert.All(file.Tensors, weight => Assert.DoesNotContain(file.ReadFloat32(weight.Name), value => !float.IsFinite(value)));
        }
    }

    [Fact]
    public void A_clock_that_jumps_changes_no_byte()
    {
        _run.Run("whole");
        _run.Time = new JumpingClock();
        _run.Run("jumping");
        Assert.Equal(_run.Result("whole"), _run.Result("jumping"));
    }

    private sealed class JumpingClock : TimeProvider
    {
        private readonly Random _random = new(5);

        public override DateTimeOffset GetUtcNow() => DateTimeOffset.UnixEpoch.AddSeconds(_random.Next());

        public override long GetTimestamp() => _random.NextInt64(1L << 50);
    }
}
