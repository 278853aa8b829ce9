using System.Text.Json;
using BgeSharp.Training.Modeling;
using BgeSharp.Training.Stages.Runs;
using BgeSharp.Training.Tests.Faults;

namespace BgeSharp.Training.Tests.Stages.Runs;

public sealed class StartModelTests : IDisposable
{
    private readonly TinyRun _run = new(isShort: true);

    public void Dispose() => _run.Dispose();

    [Fact]
    public void A_start_with_a_module_behind_the_pooling_gives_its_encoder_and_the_module_is_named()
    {
        _run.Run("first");
        string start = Path.Combine(_run.In("first"), "model");
        File.Delete(Path.Combine(start, "bge.json"));
        Directory.CreateDirectory(Path.Combine(start, "1_Pooling"));
        File.WriteAllText(Path.Combine(start, "1_Pooling", "config.json"), """{"pooling_mode_mean_tokens":true}""");
        string[] modules = [.. new[] { ("", "Transformer"), ("1_Pooling", "Pooling"), ("2_Dense", "Dense"), ("3_Normalize", "Normalize") }.Select(m => $$"""{"path":"{{m.Item1}}","type":"sentence_transformers.models.{{m.Item2}}"}""")];
        File.WriteAllText(Path.Combine(start, "modules.json"), $"[{string.Join(",", modules)}]");

        (RunState? state, List<string> messages) = _run.Run("second", set: [$"model={{\"from\": {JsonSerializer.Serialize(start)}, \"pooling\": \"mean\"}}", "tokenizer={}"]);

        Assert.NotNull(state);
        Assert.Contains($"{start}: training starts from its encoder alone; its module Dense, which changes the vectors after pooling, is left out.", messages);
        TextModel.Load(Path.Combine(_run.In("second"), "model"), Compute.Float32).Dispose();
        Assert.Contains("models.Dense", Assert.Throws<BadInput>(() => TextModel.Load(start, Compute.Float32)).Message, StringComparison.Ordinal);
    }
}
