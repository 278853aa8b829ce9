// A run measures each stage in all the ways its model can be searched.

using BgeSharp.Training.Data;
using BgeSharp.Training.Data.Batches;
using BgeSharp.Training.Stages.Logs;
using BgeSharp.Training.Stages.Recipes;
using BgeSharp.Training.Stages.Runs;
using BgeSharp.Training.Tests.Faults;

namespace BgeSharp.Training.Tests.Stages.Runs;

public sealed class RunScoresTests : IDisposable
{
    private readonly TinyRun _run = new();

    public void Dispose() => _run.Dispose();

    [Fact]
    public void A_model_with_heads_is_searched_by_all_of_them()
    {
        RunState state = _run.Run("run", set: ["stages[2].outputs=[\"dense\", \"sparse\", \"multi\"]"]).State!;
        Assert.Equal(
            ["bm25 bm25", "untrained dense", "retromae dense", "contrastive dense", "finetune dense", "finetune sparse", "finetune multi", "finetune hybrid"],
            state.Results.Select(r => $"{r.Stage} {r.Mode}"));
        Assert.All(state.Results.Where(r => r.Mode != "sparse"), r => Assert.InRange(r.Metrics["ndcg@10"], 0.01, 1));       // three steps teach no lexical weights
        Assert.True(state.Results.Skip(4).Select(r => r.Metrics["ndcg@100"]).Distinct().Count() > 1);
    }

    [Fact]
    public void Evaluations_while_training_use_their_own_set_and_the_outputs_that_are_trained()
    {
        string set = Path.Combine(_run.In("."), "set");
        Directory.CreateDirectory(Path.Combine(set, "qrels"));
        File.WriteAllLines(Path.Combine(set, "corpus.jsonl"), Enumerable.Range(1, 6).Select(i => $$"""{"_id":"p{{i}}","text":"{{TinyModel.Text(6, i)}}"} """));
        File.WriteAllLines(Path.Combine(set, "queries.jsonl"), Enumerable.Range(1, 6).Select(i => $$"""{"_id":"q{{i}}","text":"{{TinyModel.Text(2, i)}}"} """));
        File.WriteAllLines(Path.Combine(set, "qrels", "test.tsv"), ["query-id\tcorpus-id\tscore", .. Enumerable.Range(1, 6).Select(i => $"q{i}\tp{i}\t1")]);
        string[] all = [$"development={{\"name\": \"dev\", \"path\": {System.Text.Json.JsonSerializer.Serialize(set)}}}", "data.heldOut=0", "stages[0].evaluateEvery=3", "stages[0].evaluateBy=ndcg@10", "stages[1].evaluateEvery=2", "stages[2].evaluateEvery=3",
            "stages[2].outputs=[\"dense\", \"sparse\", \"multi\"]", "stages[2].evaluateBy=loss"];
        RunState state = _run.Run("run", set: all).State!;
        Assert.DoesNotContain(state.Results, r => r.Dataset == "dev");
        Assert.Single(Logged("retromae", "dev_ndcg@10"));
        Assert.Empty(Logged("retromae", "dev_loss"));       // nothing is held out
        Assert.Equal(2, Logged("contrastive", "dev_loss").Length);
        Assert.Equal(2, Logged("contrastive", "dev_ndcg@10").Length);
        Assert.Single(Logged("finetune", "dev_loss"));
        Assert.Empty(Logged("finetune", "dev_ndcg@10"));
        // The set among the reported ones: the last evaluation while training is that of the finished stage, by the hybrid.
        state = _run.Run("both", set: [.. all[..^1], "stages[2].evaluateBy=mrr@10", "stages[2].evaluateQueries=6", $"evaluation=[{{\"name\": \"same\", \"path\": {System.Text.Json.JsonSerializer.Serialize(set)}}}]"]).State!;
        StageResult[] last = [.. state.Results.Where(r => r.Stage == "finetune" && r.Dataset == "same")];
        double hybrid = last.Single(r => r.Mode == "hybrid").Metrics["mrr@10"];
        Assert.NotEqual(last.Single(r => r.Mode == "dense").Metrics["mrr@10"], hybrid);
        Assert.Equal(hybrid, Logged("finetune", "dev_mrr@10", "both").Last(), 12);
    }

    [Fact]
    public void Pre_training_logs_its_losses_on_held_out_text_whatever_chooses_the_weights()
    {
        const string Stage = "stages=[{\"type\": \"retromae\", \"steps\": 6, \"batchTokens\": 128, \"maxLength\": 24, \"learningRate\": 3e-2, \"evaluateEvery\": 1, \"keepBest\": true}]";
        List<string> byLoss = _run.Run("loss", set: Stage).Messages, bySearch = _run.Run("search", set: [Stage, "stages[0].evaluateBy=ndcg@10"]).Messages;
        foreach (string figure in (string[])["dev_loss", "dev_encoder_loss", "dev_encoder_accuracy", "dev_decoder_loss", "dev_decoder_accuracy"])
        {
            Assert.Equal(6, Logged("retromae", figure, "search").Length);
            Assert.Equal(Logged("retromae", figure, "loss"), Logged("retromae", figure, "search"));
        }
        Assert.Empty(Logged("retromae", "dev_ndcg@10", "loss"));
        Assert.Equal(Best(Logged("retromae", "dev_loss", "loss").Select(loss => -loss)), Chosen(byLoss));
        Assert.Equal(Best(Logged("retromae", "dev_ndcg@10", "search")), Chosen(bySearch));

        static string? Chosen(List<string> messages) => messages.Find(m => m.EndsWith("are the best and become the model", StringComparison.Ordinal));

        // Nothing is said of the last step, whose weights are there already.
        static string? Best(IEnumerable<double> scores)
        {
            double[] all = [.. scores];
            int step = Array.IndexOf(all, all.Max()) + 1;
            return step == all.Length ? null : $"retromae: the weights of step {step} are the best and become the model";
        }
    }

    [Fact]
    public void Pre_training_by_loss_needs_held_out_text_and_no_queries()
        => Assert.NotNull(_run.Run("run", set: ["data.documents[0].miners=[\"question-answer\", \"inverse-cloze\"]", "stages=[{\"type\": \"retromae\", \"steps\": 2, \"batchTokens\": 128, \"maxLength\": 24, \"evaluateEvery\": 1}]"]).State);

    [Fact]
    public void Held_out_documents_without_a_query_are_refused_where_evaluations_need_one()
        => Assert.Contains("give no query to evaluate on", Assert.Throws<BadInput>(() => _run.Run("run", set: ["data.heldOut=0.0001"])).Message, StringComparison.Ordinal);

    private double[] Logged(string stage, string figure, string run = "run")
        => [.. MetricsLog.Read(Path.Combine(_run.In(run), "metrics.jsonl")).Where(l => l.Stage == stage && l.Figures.ContainsKey(figure)).Select(l => l.Figures[figure])];

    [Fact]
    public void A_stage_learns_from_an_earlier_stage_s_cross_encoder_as_it_does_from_its_folder()
    {
        const string Teacher = "{\"type\": \"reranker\", \"name\": \"judge\", \"steps\": 20, \"batchPairs\": 6, \"groupSize\": 3, \"queryMaxLength\": 12, \"maxLength\": 32, \"learningRate\": 2e-2, \"hardNegatives\": {\"fromRank\": 1, \"toRank\": 9, \"perQuery\": 4}}";
        string Stages(string distillation) => $"stages=[{Teacher}, {{\"type\": \"finetune\", \"steps\": 3, \"logEvery\": 1, \"batchPairs\": 4, \"groupSize\": 3, \"queryMaxLength\": 16, \"passageMaxLength\": 24, \"learningRate\": 1e-2, \"hardNegatives\": {{\"fromRank\": 1, \"toRank\": 9, \"perQuery\": 4, \"relativeMargin\": 0}}{distillation}}}]";
        const string Common = ", \"distillation\": {\"loss\": \"kl_div\", ";
        _run.Run("stage", set: [Stages(Common + "\"teacherStage\": \"judge\"}")]);
        string judge = Assert.Single(Directory.GetDirectories(Path.Combine(_run.In("stage"), "stages"), "*judge"));
        _run.Run("folder", set: [Stages(Common + $"\"teacher\": {System.Text.Json.JsonSerializer.Serialize(judge)}}}")]);
        _run.Run("none", set: [Stages("")]);
        Assert.Equal(Logged("finetune", "loss", "stage"), Logged("finetune", "loss", "folder"));
        Assert.NotEqual(Logged("finetune", "loss", "stage"), Logged("finetune", "loss", "none"));
    }

    [Fact]
    public void A_folder_of_pairs_is_its_files_and_may_carry_FlagEmbedding_s_mark()
    {
        string folder = Path.Combine(_run.In("."), "set_no_in_batch_neg");
        Directory.CreateDirectory(folder);
        File.WriteAllText(Path.Combine(folder, "b.jsonl"), "{\"query\":\"b\",\"pos\":[\"x\"]}\n");
        File.WriteAllText(Path.Combine(folder, "a.jsonl"), "{\"query\":\"a\",\"pos\":[\"x\"],\"source\":\"s\"}\n");
        File.WriteAllText(Path.Combine(folder, "readme.txt"), "no pairs");
        TrainingExample[] read = [.. StagePairs.Read([new PairSourceOptions { Path = folder }], null!, 1)];
        Assert.Equal(["a", "b"], read.Select(e => e.Query));
        Assert.All(read, e => Assert.True(PairSource.Of(e).OwnGroupOnly));
        Directory.CreateDirectory(Path.Combine(folder, "empty"));
        Assert.Contains("no .jsonl or .json file", Assert.Throws<BadInput>(() => StagePairs.Read([new PairSourceOptions { Path = Path.Combine(folder, "empty") }], null!, 1).ToList()).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Where_texts_are_cut_and_what_masks_hide_whole_reach_the_stage()
    {
        string[] words = ["数据库", "服务器", "网络", "操作系统", "编译", "算法"];
        string documents = _run.In("han.jsonl");
        File.WriteAllLines(documents, Enumerable.Range(1, 40).Select(i => $$"""{"id":"h{{i}}","title":"{{words[i % 6]}}{{words[i % 5]}}","text":"{{string.Concat(Enumerable.Range(0, 12).Select(j => words[(i * 7 + j * j) % 6] + (j % 4 == 3 ? "。" : "")))}}"}"""));
        string[] set = [$"data.documents=[{{\"path\": {System.Text.Json.JsonSerializer.Serialize(documents)}, \"miners\": [\"title-body\"]}}]", "stages=[{\"type\": \"retromae\", \"steps\": 2, \"batchTokens\": 128, \"maxLength\": 20, \"logEvery\": 1}]"];
        _run.Run("plain", set: set);
        _run.Run("token", set: [.. set, "stages[0].cutAt=token"]);
        _run.Run("words", set: [.. set, "stages[0].wordSegmentation=words"]);
        Assert.NotEqual(Logged("retromae", "loss", "plain"), Logged("retromae", "loss", "token"));
        Assert.NotEqual(Logged("retromae", "loss", "plain"), Logged("retromae", "loss", "words"));
        Assert.True(File.Exists(Path.Combine(_run.In("words"), "words.txt")));
    }

    [Fact]
    public void Parts_that_the_model_before_lacks_are_named()
    {
        const string Masked = "stages=[{\"type\": \"retromae\", \"steps\": 1, \"batchTokens\": 128, \"maxLength\": 24}]";
        _run.Run("first", set: Masked);
        string From(string folder) => $"model.from={Path.Combine(_run.In("first"), folder)}";
        Assert.Contains(_run.Run("model", set: [Masked, From("model"), "tokenizer={}"]).Messages, m => m.EndsWith("has no head that names tokens and no decoder; they start at random.", StringComparison.Ordinal));
        Assert.DoesNotContain(_run.Run("stage", set: [Masked, From(Path.Combine("stages", "01-retromae")), "tokenizer={}"]).Messages, m => m.Contains("at random", StringComparison.Ordinal));
    }

    [Fact]
    public void Sources_of_pairs_may_have_instructions_of_their_own()
    {
        string file = Path.Combine(_run.In("."), "own.jsonl");
        File.WriteAllLines(file, ["""{"query":"a","pos":["b"]}""", """{"query":"c","pos":["d"],"prompt":"own ","passage_prompt":""}"""]);
        TrainingExample[] read = [.. StagePairs.Read([new PairSourceOptions { Path = file }, new PairSourceOptions { Path = file, QueryInstruction = "q ", PassageInstruction = "p " }], null!, 1)];
        Assert.Equal([(null, null), ("own ", ""), ("q ", "p "), ("own ", "")], read.Select(e => (e.Prompt, e.PassagePrompt)));
    }

    [Theory, InlineData("bm25", "stages=[{0}]"), InlineData("dense", "stages[2]={0}", "stages[1].steps=120", "stages[1].learningRate=1e-2")]
    public void A_cross_encoder_that_makes_a_search_worse_is_reported(string searched, params string[] set)
    {
        // Next to no steps: it orders by chance.
        (RunState? state, List<string> messages) = _run.Run("bad", set: [.. set.Select(option => option.Replace("{0}", "{\"type\": \"reranker\", \"name\": \"chance\", \"steps\": 1, \"batchPairs\": 2, \"groupSize\": 2, \"queryMaxLength\": 12, \"maxLength\": 32}", StringComparison.Ordinal))]);
        double Mean(Func<StageResult, bool> which) => state!.Results.Where(which).Average(r => r.Metrics["ndcg@10"]);
        double alone = Mean(r => r.Stage == (searched == "bm25" ? "bm25" : "contrastive") && r.Mode == searched), judged = Mean(r => r.Stage == "chance");
        Assert.True(judged < alone - 0.001, $"{judged} {alone}");
        string warning = Assert.Single(messages, m => m.StartsWith("warning: the cross-encoder of stage \"chance\"", StringComparison.Ordinal));
        Assert.Contains(FormattableString.Invariant($"best of {searched} worse than they stood (ndcg@10 {judged:0.000} against {alone:0.000}"), warning, StringComparison.Ordinal);
    }

    [Fact]
    public void A_cross_encoder_orders_what_the_model_before_it_found_and_is_measured_while_it_trains()
    {
        RunState state = _run.Run("run", set: ["stages[2]={\"type\": \"reranker\", \"steps\": 40, \"batchPairs\": 6, \"groupSize\": 3, \"queryMaxLength\": 12, \"maxLength\": 32, \"learningRate\": 2e-2, \"evaluateEvery\": 20, \"hardNegatives\": {\"fromRank\": 1, \"toRank\": 9, \"perQuery\": 4}}"]).State!;
        StageResult before = state.Results.Single(r => r.Stage == "contrastive"), after = state.Results.Single(r => r.Stage == "reranker");
        Assert.Equal("dense+rerank", after.Mode);
        // It orders anew what it was given: it finds no more and loses nothing.
        Assert.Equal(before.Metrics["recall@100"], after.Metrics["recall@100"], 12);
        Assert.NotEqual(before.Metrics["ndcg@10"], after.Metrics["ndcg@10"]);
        double[] dev = [.. MetricsLog.Read(Path.Combine(_run.In("run"), "metrics.jsonl")).Where(l => l.Stage == "reranker" && l.Figures.ContainsKey("dev_ndcg@10")).Select(l => l.Figures["dev_ndcg@10"])];
        Assert.Equal(2, dev.Length);
        Assert.All(dev, d => Assert.InRange(d, 0.01, 1));
        Assert.Equal(2, Logged("reranker", "dev_loss").Length);
        Assert.All(Logged("reranker", "dev_loss"), d => Assert.InRange(d, 0.01, 5));
    }

    [Fact]
    public void A_cross_encoder_learns_from_another_and_both_keep_answers_out_of_mined_negatives()
    {
        const string Hard = "\"fromRank\": 1, \"toRank\": 9, \"perQuery\": 4, \"relativeMargin\": 0";
        string Stages(string second, string third) => "stages=[" + string.Join(", ",
            $"{{\"type\": \"reranker\", \"name\": \"judge\", \"steps\": 10, \"batchPairs\": 6, \"groupSize\": 3, \"queryMaxLength\": 12, \"maxLength\": 32, \"learningRate\": 2e-2, \"hardNegatives\": {{{Hard}}}}}",
            $"{{\"type\": \"reranker\", \"name\": \"pupil\", \"steps\": 3, \"logEvery\": 1, \"batchPairs\": 6, \"groupSize\": 3, \"queryMaxLength\": 10, \"maxLength\": 28, \"hardNegatives\": {{{Hard}{third}}}, \"lora\": {{\"rank\": 2}}{second}}}",
            $"{{\"type\": \"finetune\", \"steps\": 3, \"logEvery\": 1, \"batchPairs\": 4, \"groupSize\": 3, \"queryMaxLength\": 16, \"passageMaxLength\": 24, \"learningRate\": 1e-2, \"hardNegatives\": {{{Hard}{third}}}}}") + "]";
        RunState state = _run.Run("plain", set: [Stages("", "")]).State!;
        Assert.Equal(["bm25+rerank", "bm25+rerank"], state.Results.Where(r => r.Stage is "judge" or "pupil").Select(r => r.Mode));
        string judge = System.Text.Json.JsonSerializer.Serialize(Assert.Single(Directory.GetDirectories(Path.Combine(_run.In("plain"), "stages"), "*judge")));
        _run.Run("stage", set: [Stages(", \"distillation\": {\"teacherStage\": \"judge\"}", ", \"teacherStage\": \"judge\", \"teacherMargin\": 1000")]);
        _run.Run("folder", set: [Stages($", \"distillation\": {{\"teacher\": {judge}}}", $", \"teacher\": {judge}, \"teacherMargin\": 1000")]);
        foreach (string stage in (string[])["pupil", "finetune"])
        {
            Assert.Equal(Logged(stage, "loss", "stage"), Logged(stage, "loss", "folder"));
            Assert.NotEqual(Logged(stage, "loss", "stage"), Logged(stage, "loss", "plain"));
        }
        Assert.Equal(3, Logged("pupil", "distillation", "stage").Length);
        // The veto by itself, without what is learnt from the same cross-encoder.
        _run.Run("veto", set: [Stages("", ", \"teacherStage\": \"judge\", \"teacherMargin\": 1000")]);
        Assert.NotEqual(Logged("pupil", "loss", "veto"), Logged("pupil", "loss", "plain"));
    }
}
