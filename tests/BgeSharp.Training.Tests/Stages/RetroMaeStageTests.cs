using BgeSharp.Formats;
using BgeSharp.Models;
using BgeSharp.Text;
using BgeSharp.Training.Data.Batches;
using BgeSharp.Training.Modeling;
using BgeSharp.Training.Objectives;
using BgeSharp.Training.Optimization;
using BgeSharp.Training.Stages;
using BgeSharp.Training.Stages.Recipes;
using BgeSharp.Training.Stages.Runs;
using BgeSharp.Training.Tests.Data;
using BgeSharp.Training.Tests.Faults;

namespace BgeSharp.Training.Tests.Stages;

public sealed class RetroMaeStageTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly WordPieceTokenizer _tokenizer = TinyModel.Tokenizer();

    public void Dispose() => _folder.Dispose();

    [Theory, InlineData("retromae"), InlineData("dupmae"), InlineData("mlm")]
    public void Held_out_figures_are_means_over_the_texts_however_they_fall_into_batches(string objective)
    {
        using TokenStore store = TokenStore.Create(Path.Combine(_folder.Path, "ids"), Enumerable.Range(3, 40).Select(n => _tokenizer.EncodeWithSpecial(TinyModel.Text(1 + (n % 17), n), 40)));
        IReadOnlyDictionary<string, double> Measure(int batchTokens, int limit = 0)
        {
            var options = new RetroMaeStageOptions { Steps = 1, BatchTokens = batchTokens, MaxLength = 40, Objective = objective };
            using var weights = new Weights(RetroMae.Shapes(TinyModel.Config, options.Design), Compute.Float32);
            weights.Initialize(0.3, seed: 1);
            using var stage = new RetroMaeStage(options, weights, TinyModel.Config, Pooling.Cls, _tokenizer, store, 3, 0);      // with dropout, which takes no part
            return stage.HeldOut(store, limit);
        }
        IReadOnlyDictionary<string, double> small = Measure(64), large = Measure(4096);
        Assert.Equal(small.Keys, large.Keys);
        Assert.All(small, figure => Assert.Equal(figure.Value, large[figure.Key], 1e-4));
        Assert.Equal(objective == "mlm" ? 3 : objective == "dupmae" ? 6 : 5, small.Count);
        Assert.Equal(small["dev_loss"], small["dev_encoder_loss"] + small.GetValueOrDefault("dev_decoder_loss") + (0.1 * small.GetValueOrDefault("dev_bag_loss")), 1e-9);
        Assert.InRange(small["dev_encoder_accuracy"], 0, 1);
        Assert.NotEqual(small["dev_loss"], Measure(64, limit: 7)["dev_loss"]);
    }

    // Hugging Face's trainer averaged micro-batches alike until October 2024, so that a token of a short micro-batch counted for more.
    [Theory, InlineData("retromae", "enhanced"), InlineData("retromae", "plain"), InlineData("dupmae", "enhanced"), InlineData("mlm", "enhanced")]
    public void A_step_is_the_mean_over_all_that_it_names_however_it_is_cut_into_micro_batches(string objective, string decoding)
    {
        using TokenStore store = TokenStore.Create(Path.Combine(_folder.Path, "ids"), Enumerable.Range(3, 60).Select(n => _tokenizer.EncodeWithSpecial(TinyModel.Text(1 + (n % 17), n), 40)));
        ModelConfig config = TinyModel.Config with { HiddenDropout = 0, AttentionDropout = 0 };
        RetroMaeStageOptions Options(int accumulate) => new() { Steps = 1, BatchTokens = 96, MaxLength = 40, Objective = objective, Decoding = decoding, Accumulate = accumulate };
        using var weights = new Weights(RetroMae.Shapes(config, Options(1).Design), Compute.Float32);
        weights.Initialize(0.3, seed: 1);
        (StepFigures Figures, float[] Gradients) Step(RetroMaeStage stage, int step)
        {
            weights.Zero();
            StepFigures figures = stage.ForwardBackward(step);
            return (figures, weights.Gradients.data<float>().ToArray());
        }
        using var whole = new RetroMaeStage(Options(3), weights, config, Pooling.Cls, _tokenizer, store, 3, 0);
        using var parts = new RetroMaeStage(Options(1), weights, config, Pooling.Cls, _tokenizer, store, 3, 0);
        (StepFigures figures, float[] gradients) = Step(whole, 0);
        (StepFigures Figures, float[] Gradients)[] each = [.. Enumerable.Range(0, 3).Select(step => Step(parts, step))];
        // What the encoder has to name in each: as the stage draws it.
        var order = new TokenBudgetOrder(3, [.. Enumerable.Range(0, store.Count).Select(store.LengthOf)], 96);
        var masks = new RetroMaeMasks(_tokenizer, 0.3, 0.5);
        long[] named = [.. order.From(0).Take(3).Select((rows, number) => (long)RetroMaeBatch.Draw(store, rows, masks, 3, number, DecoderMasks.None).Encoder.Rows.Length)];
        Assert.True(named.Distinct().Count() > 1);
        Assert.Equal(each.Zip(named, (e, n) => e.Figures.Figures["encoder_loss"] * n).Sum() / named.Sum(), figures.Figures["encoder_loss"], 1e-5);
        Assert.Equal(each.Sum(e => e.Figures.Tokens), figures.Tokens);
        if (objective == "dupmae")
        {
            double[] texts = [.. order.From(0).Take(3).Select(rows => (double)rows.Length)];
            Assert.True(texts.Distinct().Count() > 1);
            Assert.Equal(each.Zip(texts, (e, n) => e.Figures.Figures["bag_loss"] * n).Sum() / texts.Sum(), figures.Figures["bag_loss"], 1e-5);
        }
        Assert.Equal(figures.Figures["encoder_loss"] + figures.Figures.GetValueOrDefault("decoder_loss") + (0.1 * figures.Figures.GetValueOrDefault("bag_loss")), figures.Loss, 1e-5);
        if (objective == "mlm")
        {
            float[] expected = new float[gradients.Length];
            for (int part = 0; part < 3; part++)
            {
                for (int i = 0; i < expected.Length; i++)
                {
                    expected[i] += each[part].Gradients[i] * named[part] / named.Sum();
                }
            }
            Assert.InRange(expected.Zip(gradients, (x, y) => Math.Abs(x - y)).Max(), 0, 1e-5 * (1 + expected.Max(Math.Abs)));
        }
        else if (decoding == "enhanced")
        {
            long[] rebuilt = [.. order.From(0).Take(3).Select(rows => rows.Sum(r => (long)store.LengthOf(r) - 2))];
            Assert.Equal(each.Zip(rebuilt, (e, n) => e.Figures.Figures["decoder_loss"] * n).Sum() / rebuilt.Sum(), figures.Figures["decoder_loss"], 1e-5);
        }
    }

    [Fact]
    public void A_bag_of_no_weight_is_left_out()
    {
        using TokenStore store = TokenStore.Create(Path.Combine(_folder.Path, "ids"), Enumerable.Range(3, 20).Select(n => _tokenizer.EncodeWithSpecial(TinyModel.Text(1 + (n % 17), n), 40)));
        (StepFigures Figures, float[] Gradients, IReadOnlyDictionary<string, double> HeldOut) Step(string objective)
        {
            var options = new RetroMaeStageOptions { Steps = 1, BatchTokens = 96, MaxLength = 40, Objective = objective, BagWeight = 0 };
            using var weights = new Weights(RetroMae.Shapes(TinyModel.Config, options.Design), Compute.Float32);
            weights.Initialize(0.3, seed: 1);
            using var stage = new RetroMaeStage(options, weights, TinyModel.Config, Pooling.Cls, _tokenizer, store, 3, 0);
            StepFigures figures = stage.ForwardBackward(0);
            return (figures, weights.Gradients.data<float>().ToArray(), stage.HeldOut(store));
        }
        var (plain, without) = (Step("retromae"), Step("dupmae"));
        Assert.Equal(plain.Figures.Loss, without.Figures.Loss);
        Assert.Equal(plain.Gradients, without.Gradients);
        Assert.Equal(plain.HeldOut, without.HeldOut);
        Assert.True(double.IsFinite(without.HeldOut["dev_loss"]));
    }

    [Theory, InlineData("retromae", "enhanced"), InlineData("retromae", "plain"), InlineData("dupmae", "enhanced"), InlineData("mlm", "enhanced")]
    public void Texts_with_nothing_to_name_train_nothing_and_break_nothing(string objective, string decoding)
    {
        (int cls, int sep, int unk) = (_tokenizer.Special.Cls, _tokenizer.Special.Sep, _tokenizer.Special.Unk);
        using TokenStore store = TokenStore.Create(Path.Combine(_folder.Path, "ids"), [[cls, sep], [cls, unk, sep], [cls, unk, unk, sep], [cls, sep], _tokenizer.EncodeWithSpecial("a")]);
        var options = new RetroMaeStageOptions { Steps = 1, BatchTokens = 64, MaxLength = 16, Objective = objective, Decoding = decoding };
        using var weights = new Weights(RetroMae.Shapes(TinyModel.Config, options.Design), Compute.Float32);
        weights.Initialize(0.3, seed: 1);
        // Alone in a batch, by twos, and all together.
        foreach (int budget in new[] { 2, 6, 64 })
        {
            using var stage = new RetroMaeStage(options with { BatchTokens = budget }, weights, TinyModel.Config, Pooling.Cls, _tokenizer, store, 3, 0);
            for (int step = 0; step < 6; step++)
            {
                weights.Zero();
                StepFigures figures = stage.ForwardBackward(step);
                Assert.True(double.IsFinite(figures.Loss) && figures.Figures.Values.All(double.IsFinite), $"{budget} {step}: {string.Join(" ", figures.Figures)}");
                Assert.True(double.IsFinite(weights.Norm()));
            }
            Assert.All(stage.HeldOut(store).Values, value => Assert.True(double.IsFinite(value)));
        }
    }

    [Theory, InlineData("retromae"), InlineData("mlm")]
    public void Head_and_decoder_are_kept_for_a_stage_that_goes_on_and_the_encoder_is_a_model_by_itself(string objective)
    {
        var options = new RetroMaeStageOptions { Objective = objective };
        string prefix = Encoder.PrefixOf(TinyModel.Config), folder = Path.Combine(_folder.Path, "model");
        using var weights = new Weights(RetroMae.Shapes(TinyModel.Config, options.Design), Compute.Float32);
        weights.Initialize(0.3, seed: 1);
        ModelFolder.Save(folder, weights, prefix, TinyModel.Config, _tokenizer, new ModelCard());
        using Weights again = RunModel.Create(options, TinyModel.Config, Compute.Float32, seed: 9, folder).Weights;
        Assert.Equal(weights.Values.data<float>().ToArray(), again.Values.data<float>().ToArray());
        using TextModel alone = TextModel.Load(folder, Compute.Float32);
        TokenBatch text = TokenBatch.Of([_tokenizer.EncodeWithSpecial("ab cd")]);
        Assert.Equal(new TorchEncoder(new Encoder(weights, prefix, TinyModel.Config), Pooling.Cls).EncodeDense(text), alone.Encoder.EncodeDense(text));
    }

    [Fact]
    public void A_stage_goes_on_from_the_whole_state_of_the_public_pre_training()
    {
        var options = new RetroMaeStageOptions();
        string theirs = Path.Combine(_folder.Path, "theirs"), folder = Path.Combine(_folder.Path, "model");
        using var weights = new Weights(RetroMae.Shapes(TinyModel.Config, options.Design), Compute.Float32);
        weights.Initialize(0.3, seed: 1);
        Directory.CreateDirectory(theirs);
        WeightFile.Write(Path.Combine(theirs, "model.safetensors"), weights, name => name.StartsWith("c_head.", StringComparison.Ordinal) ? name : "lm." + name);
        TinyModel.Config.Save(theirs);
        _tokenizer.Save(theirs);
        ModelImport.Run(theirs, folder, cancellation: TestContext.Current.CancellationToken);
        using Weights again = RunModel.Create(options, TinyModel.Config, Compute.Float32, seed: 9, folder).Weights;
        Assert.Equal(weights.Values.data<float>().ToArray(), again.Values.data<float>().ToArray());
    }

    [Theory]
    [InlineData("stages[0].maxLength=64", "stage \"retromae\": maxLength is 64, but the model has positions for texts of 32 tokens")]
    [InlineData("stages[1].passageMaxLength=64", "stage \"contrastive\": passageMaxLength is 64, but the model has positions for texts of 32 tokens")]
    public void Texts_longer_than_a_given_model_has_positions_for_are_refused_before_they_are_read(string set, string complaint)
    {
        using var run = new TinyRun();
        run.Run("first");
        Assert.Contains(complaint, Assert.Throws<BadInput>(() => run.Run("second", set: ["model.from=" + Path.Combine(run.In("first"), "model"), set])).Message, StringComparison.Ordinal);
        Assert.Empty(Directory.GetFileSystemEntries(Path.Combine(run.In("second"), "stages")));
    }
}
