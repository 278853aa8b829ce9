// bge under mpirun, with real processes: the run of one process, a killed rank, a cut cable, a wrong recipe. Skipped, with the reason, where there is no MPI.

using System.Text;
using BgeSharp.Training.Stages.Logs;

namespace BgeSharp.Cli.Tests.Ranks;

public sealed class RankTests : IDisposable
{
    private static readonly string[] Numbers = ["--threads", "1", "--precision", "float32"];
    private readonly string _folder = Directory.CreateTempSubdirectory("bge-ranks").FullName;

    public RankTests()
    {
        if (Cluster.Missing is string why)
        {
            Assert.Skip(why);
        }
        var random = new SeededRandom(1);
        var lines = new StringBuilder();
        for (int i = 0; i < 120; i++)
        {
            lines.Append(System.Globalization.CultureInfo.InvariantCulture, $$"""{"id":"d{{i}}","title":"{{Words(ref random, 3)}}","text":"{{Words(ref random, 30)}}"}""").Append('\n');
        }
        File.WriteAllText(In("docs.jsonl"), lines.ToString());
        File.WriteAllText(In("tiny.json"), """
            {
              "name": "tiny", "seed": 3,
              "data": { "documents": [ { "path": "docs.jsonl", "miners": [ "title-body" ] } ], "heldOut": 0.1, "passageCharacters": 80 },
              "tokenizer": { "size": 300 },
              "model": { "hiddenSize": 32, "layers": 1, "heads": 2, "maxLength": 64, "pooling": "mean", "dropout": 0.1 },
              "stages": [
                { "type": "retromae", "steps": 6, "batchTokens": 512, "maxLength": 48, "learningRate": 1e-3, "logEvery": 1, "pieces": 2 },
                { "type": "contrastive", "steps": 200, "batchPairs": 16, "queryMaxLength": 16, "passageMaxLength": 32, "learningRate": 1e-4, "logEvery": 10, "pieces": 2 }
              ],
              "checkpoints": { "everySteps": 10, "keep": 2 }
            }
            """);
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Two_ranks_do_the_run_and_the_vectors_of_one_process_and_a_killed_rank_costs_nothing_but_time()
    {
        await Run(Cluster.Start(0, Arguments("alone")));
        await Run(Cluster.Start(2, Arguments("whole")));
        MetricsLine[] one = Lines("alone"), other = Lines("whole");
        Assert.Equal(one.Select(l => (l.Stage, l.Step, l.Batches)), other.Select(l => (l.Stage, l.Step, l.Batches)));
        Assert.All(one.Zip(other), pair => Assert.Equal(pair.First.Figures["loss"], pair.Second.Figures["loss"], 1e-3));

        // One rank is killed in the middle of the second stage: all are gone soon, and the same command goes on to the same bits.
        System.Diagnostics.Process ranks = Cluster.Start(2, Arguments("killed"));
        Task<(int Code, string Said)> end = Cluster.Finish(ranks);
        await Cluster.Until(() => Directory.Exists(In("killed", "checkpoints", "02-contrastive-000020")), 90, "a checkpoint");
        System.Diagnostics.Process.GetProcessById(Cluster.Living(In("killed")).Max()).Kill();
        await Cluster.Until(() => Cluster.Living(In("killed")).Length == 0, 30, "the end of all ranks");
        Assert.NotEqual(0, (await end).Code);
        Assert.Contains("going on from step", await Run(Cluster.Start(2, Arguments("killed"))), StringComparison.Ordinal);
        AssertSameModel("whole", "killed");

        string[] embed = ["embed", "--model", In("whole", "model"), "--input", In("docs.jsonl"), .. Numbers, "--out"];
        await Run(Cluster.Start(0, [.. embed, In("alone.npy")]));
        await Run(Cluster.Start(2, [.. embed, In("shared.npy")]));
        Assert.Equal(File.ReadAllBytes(In("alone.npy")), File.ReadAllBytes(In("shared.npy")));
        Assert.Empty(Directory.GetDirectories(_folder, "*.parts-*"));

        // Rank 0 mines and the other one encodes for it: 4,200 queries and as many passages are two rounds of sharing each.
        string[] mine = ["mine", "negatives", "--model", In("whole", "model"), "--input", In("pairs.jsonl"), "--from-rank", "1", "--to-rank", "30", "--per-query", "5", "--relative-margin", "0", "--duplicate-cosine", "1", .. Numbers, "--out"];
        File.WriteAllLines(In("pairs.jsonl"), Pairs());
        await Run(Cluster.Start(0, [.. mine, In("alone.jsonl")]));
        await Run(Cluster.Start(2, [.. mine, In("shared.jsonl")]));
        Assert.Equal(File.ReadAllBytes(In("alone.jsonl")), File.ReadAllBytes(In("shared.jsonl")));
        Assert.Contains("\"neg\":[\"", File.ReadAllText(In("shared.jsonl")), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_wrong_recipe_is_one_sentence_of_one_rank()
    {
        (int code, string said) = await Cluster.Finish(Cluster.Start(2, "run", In("missing.json")));
        Assert.Equal(2, code);
        Assert.Single(said.Split('\n'), line => line.Contains("missing.json: no such file", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_cut_cable_between_two_machines_ends_all_ranks_within_30_seconds_and_the_run_goes_on()
    {
        using Namespaces? machines = Namespaces.Make(_folder);
        if (machines is null)
        {
            Assert.Skip("two network namespaces that reach each other need root, ip (iproute2), unshare and bash");
        }
        await Run(Cluster.StartOnTwoMachines(machines, Arguments("whole")));
        System.Diagnostics.Process ranks = Cluster.StartOnTwoMachines(machines, Arguments("cut"));
        Task<(int Code, string Said)> end = Cluster.Finish(ranks);
        await Cluster.Until(() => Directory.Exists(In("cut", "checkpoints", "02-contrastive-000020")), 90, "a checkpoint");
        Namespaces.Cut();
        await Cluster.Until(() => Cluster.Living(In("cut")).Length == 0, 30, "the end of all ranks");
        (int code, string said) = await end;
        Assert.NotEqual(0, code);
        Assert.True(said.Contains("the network is gone", StringComparison.Ordinal) || said.Contains("lost communication", StringComparison.Ordinal), said);
        await Cluster.Until(() => !Namespaces.Busy(), 30, "the end of mpirun's own processes");
        Assert.SkipUnless(Namespaces.Mend(), "the machine did not join two network namespaces again in a minute");
        Assert.Contains("going on from step", await Run(Cluster.StartOnTwoMachines(machines, Arguments("cut"))), StringComparison.Ordinal);
        AssertSameModel("whole", "cut");
    }

    private static IEnumerable<string> Pairs()
    {
        var random = new SeededRandom(2);
        for (int i = 0; i < 4200; i++)
        {
            yield return $$"""{"query":"{{Words(ref random, 3)}}","pos":["{{Words(ref random, 12)}}"]}""";
        }
    }

    private static string Words(ref SeededRandom random, int count)
    {
        var text = new StringBuilder();
        for (int i = 0; i < count; i++)
        {
            text.Append(i == 0 ? "" : " ").Append((char)('a' + random.Next(26))).Append((char)('a' + random.Next(26)));
        }
        return text.ToString();
    }

    private static async Task<string> Run(System.Diagnostics.Process process)
    {
        (int code, string said) = await Cluster.Finish(process);
        Assert.True(code == 0, said);
        return said;
    }

    private void AssertSameModel(string one, string other)
        => Assert.Equal(File.ReadAllBytes(In(one, "model", "model.safetensors")), File.ReadAllBytes(In(other, "model", "model.safetensors")));

    private MetricsLine[] Lines(string run) => [.. MetricsLog.Read(In(run, "metrics.jsonl")).Where(l => l.Batches.Length > 0)];

    private string[] Arguments(string run) => ["run", In("tiny.json"), "--out", In(run), .. Numbers];

    private string In(params string[] parts) => Path.Combine([_folder, .. parts]);
}
