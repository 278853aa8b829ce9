using System.Globalization;
using System.Text;
using BgeSharp.Training.Modeling;
using BgeSharp.Training.Stages.Advice;
using BgeSharp.Training.Stages.Recipes;
using BgeSharp.Training.Stages.Runs;
using BgeSharp.Training.Tests.Data;

namespace BgeSharp.Training.Tests.Stages;

public class SpeedProbeTests
{
    [Fact]
    public void Wrong_lines_are_passed_over_and_the_run_reads_and_hashes_the_first_documents_alone()
    {
        using var folder = new TemporaryFolder();
        var lines = new StringBuilder("{broken\n");
        for (int i = 0; i < 400; i++)
        {
            lines.Append(CultureInfo.InvariantCulture, $$"""{"id":"d{{i}}","title":"How river {{i}} finds the sea","text":"River {{i}} runs downhill because of gravity, and most of its water ends in the sea after {{i * 7}} miles."}""").Append('\n');
        }
        folder.Write("docs.jsonl", lines.ToString());
        folder.Write("few.jsonl", """{"id":"one","title":"A lake without a river","text":"Rain fills it, the sun empties it, and nobody has measured how deep it is."}""" + "\nnot JSON\n");
        DocumentSourceOptions[] sources = [.. new[] { "docs", "few" }.Select(name => new DocumentSourceOptions { Name = name, Path = Path.Combine(folder.Path, name + ".jsonl") })];
        string run = Path.Combine(folder.Path, "probe");

        (MeasuredSpeed speed, double tokensPerCharacter) = SpeedProbe.Measure(sources, new ModelOptions { HiddenSize = 16, Layers = 1, Heads = 2, Dropout = 0, Pooling = "mean" }, run, Compute.Float32,
            [], TestContext.Current.CancellationToken);

        Assert.True(speed is { RetroMae: > 0, Contrastive: > 0 });
        Assert.InRange(tokensPerCharacter, 0.01, 1);
        string read = Assert.Single(DataIdentity.Load(new RunFolder(run).Data)!.Files).Path;
        string[] ids = [.. File.ReadLines(read).Select(l => l.Split('"')[3])];
        string[] first = [.. Enumerable.Range(0, 300).Select(i => string.Create(CultureInfo.InvariantCulture, $"d{i}")), "one"];
        Assert.Equal(first, ids);
    }
}
