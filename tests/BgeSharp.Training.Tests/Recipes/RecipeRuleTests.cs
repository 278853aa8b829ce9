// Options that contradict each other, and the canonical JSON.

using System.Text;
using BgeSharp.Training.Stages.Recipes;
using CsCheck;

namespace BgeSharp.Training.Tests.Recipes;

public class RecipeRuleTests
{
    private static readonly Recipe Whole = new()
    {
        Name = "中文 <run>",
        Data = new DataOptions { Documents = [new DocumentSourceOptions { Path = Environment.CurrentDirectory, Fields = new SortedDictionary<string, string> { ["text"] = "body" } }] },
        Stages =
        [
            new RetroMaeStageOptions { Steps = 10 },
            new ContrastiveStageOptions { Epochs = 0.5 },
            new FineTuneStageOptions { GroupSize = 8, HardNegatives = new HardNegativeOptions() },
        ],
        ExampleQueries = ["查询"],
    };

    private static Recipe Reread(string json, params string[] overrides) => RecipeFile.Parse(Encoding.UTF8.GetBytes(json), "x.json", Environment.CurrentDirectory, overrides);

    [Theory]
    [InlineData("model.heads is 3, which does not divide model.hiddenSize 256", "model.heads=3")]
    [InlineData("stages[2].hardNegatives.toRank is 5; it must be above fromRank 5", "stages[2].hardNegatives.toRank=5")]
    [InlineData("stages[2].hardNegatives.perQuery is 7, but ranks 5 to 9 hold only 4", "stages[2].hardNegatives.toRank=9")]
    [InlineData("stages[2].groupSize is 8, but mined pairs have no negatives", "stages[2].hardNegatives=null")]
    [InlineData("stages[2].hardNegatives asks for negatives, but groupSize 1 uses none", "stages[2].groupSize=1")]
    [InlineData("stages[1].batchPairs is 1 with groupSize 1", "stages[1].batchPairs=1")]
    [InlineData("stages[0].maxLength is 600: the sequence length is beyond the model's positions", "stages[0].maxLength=600")]
    [InlineData("stages[1].passageMaxLength is 192: the sequence length is beyond the model's positions", "model.maxLength=128", "stages[0].maxLength=128")]
    [InlineData("stages[0].type needs data.documents", "data.documents=[]", "tokenizer.from=.")]
    [InlineData("data.documents is empty, but the vocabulary", "data.documents=[]")]
    [InlineData("stages[0].epochs is 0 and steps is 0", "stages[0].epochs=0", "stages[0].steps=0")]
    [InlineData("stages[1].name is \"untrained\", which stands for a yardstick", "stages[1].name=untrained")]
    [InlineData("stages[1].name is \"retromae\", as is that of stages[0]", "stages[1].name=retromae")]
    [InlineData("data.documents[0].miners[0] is \"title-bodies\"; known are", "data.documents[0].miners=[\"title-bodies\"]")]
    [InlineData("stages[1].tokenGroups is about in-batch negatives of the outputs", "stages[1].tokenGroups=4")]
    [InlineData("stages[1].tokenGroups is 100, more than half of batchPairs (128)", "stages[1].tokenGroups=100", "stages[1].outputs=[\"dense\",\"multi\"]")]
    [InlineData("stages[1].keepBest needs evaluations while training", "stages[1].keepBest=true")]
    [InlineData("stages[1].evaluateBy needs evaluations while training", "stages[1].evaluateBy=loss")]
    [InlineData("stages[1].evaluateQueries needs evaluations while training", "stages[1].evaluateQueries=50")]
    [InlineData("stages[1].guard.rollBack is about the action \"rollback\"", "stages[1].guard.rollBack=50")]
    [InlineData("stages[1].guard.limit does nothing", "stages[1].guard.limit=3", "stages[1].guard.action=raise")]
    [InlineData("stages[1].earlyStop needs evaluations while training", "stages[1].earlyStop=3")]
    [InlineData("stages[1].evaluateBy is \"loss\", which the objective \"cosent\" has none of", "stages[1].evaluateBy=loss", "stages[1].evaluateEvery=5", "stages[1].objective=cosent")]
    [InlineData("stages[1].hardNegatives.refreshSteps asks for negatives mined anew while a cross-encoder trains", "stages[1]={\"type\": \"reranker\", \"hardNegatives\": {\"refreshSteps\": 5}}")]
    [InlineData("stages[0].evaluateEvery needs something to evaluate on", "stages[0].evaluateEvery=5", "data.heldOut=0")]
    [InlineData("stages[0].batchTokens is 300000: with texts of 8192 tokens the decoder's masks would be more than 2^31 cells", "model.maxLength=8192", "stages[0].maxLength=8192", "stages[0].batchTokens=300000")]
    // Four whole texts in three pieces: one of them has two.
    [InlineData("stages[0].batchTokens is 131072: with texts of 32768 tokens the decoder's masks would be more than 2^31 cells", "model.maxLength=32768", "stages[0].maxLength=32768", "stages[0].batchTokens=131072", "stages[0].pieces=3")]
    [InlineData("stages[0].decoderLayers does nothing with the objective \"mlm\"", "stages[0].objective=mlm", "stages[0].decoderLayers=2")]
    [InlineData("stages[0].decoderMaskPool does nothing with \"decoding\": \"plain\"", "stages[0].decoding=plain", "stages[0].decoderMaskPool=128")]
    [InlineData("stages[0].bagWeight does nothing with the objective \"retromae\"", "stages[0].bagWeight=1")]
    [InlineData("stages[1].freeze does nothing beside lora", "stages[1].freeze=[\"embeddings\"]", "stages[1].lora={}")]
    [InlineData("stages[2].distillation.teacher stands beside teacherStage", "stages[1]={\"type\": \"reranker\", \"name\": \"t\"}", "stages[2].distillation={\"teacherStage\": \"t\", \"teacher\": \".\"}")]
    [InlineData("stages[1].freeze[1] is \"position\"; known are \"encoder\", \"embeddings\", \"positions\"", "stages[1].freeze=[\"positions\",\"position\"]")]
    [InlineData("stages[1].sourceMixing shares batches out among sources", "stages[1].mixSources=true", "stages[1].sourceMixing=0.5")]
    [InlineData("stages[1].shuffleRatio is 1.5; allowed is 0 to 1", "stages[1].shuffleRatio=1.5")]
    [InlineData("stages[1].shuffleRatio reorders one side of a pair", "stages[1].objective=cosent", "stages[1].shuffleRatio=0.5")]
    [InlineData("stages[1].vectorSize is about the output \"multi\"", "stages[1].vectorSize=64")]
    [InlineData("stages[1].selfDistillationStart does nothing", "stages[1].outputs=[\"dense\",\"sparse\"]", "stages[1].selfDistillationStart=10")]
    [InlineData("stages[1].lossWeights weigh outputs against each other", "stages[1].lossWeights={\"dense\": 2}")]
    [InlineData("stages[2].distillation has no teacher, so it takes scores from the pair files, but pairs mined from the documents have none", "stages[2].distillation={}")]
    [InlineData("but negatives that are mined (hardNegatives) have none; name a teacher", "stages[2].distillation={}", "stages[2].pairs=[{\"path\": \".\"}]")]
    [InlineData("stages[2].distillation needs negatives, and pairs mined", "stages[1]={\"type\": \"reranker\", \"name\": \"t\"}", "stages[2].distillation={\"teacherStage\": \"t\"}", "stages[2].hardNegatives=null", "stages[2].pairs=[{\"path\": \".\"}, {\"path\": \"mined\"}]")]
    [InlineData("stages[1].distillation has no teacher, so it takes scores from the pair files, but pairs mined", "stages[1]={\"type\": \"reranker\", \"distillation\": {}}")]
    [InlineData("stages[1].distillation needs negatives, and pairs mined", "stages[1]={\"type\": \"reranker\", \"distillation\": {\"teacher\": \".\"}}")]
    [InlineData("stages[1].distillation.teacherStage is \"t\"; no stage of type", "stages[1]={\"type\": \"reranker\", \"name\": \"t\", \"distillation\": {\"teacherStage\": \"t\"}}")]
    [InlineData("stages[2].hardNegatives.teacherStage is \"t\"; no stage of type", "stages[2].hardNegatives.teacherStage=t")]
    [InlineData("stages[2].hardNegatives.teacherMargin is about a teacher, and there is none", "stages[2].hardNegatives.teacherMargin=1")]
    [InlineData("stages[1].freeze does nothing beside lora", "stages[1]={\"type\": \"reranker\", \"freeze\": [\"embeddings\"], \"lora\": {}}")]
    [InlineData("stages[1].recompute does nothing with a frozen encoder", "stages[1].freeze=[\"encoder\"]", "stages[1].outputs=[\"sparse\"]", "stages[1].recompute=true")]
    [InlineData("stages[1].freeze[0] is \"layer\"; known are", "stages[1]={\"type\": \"reranker\", \"freeze\": [\"layer\"]}")]
    [InlineData("stages[1].objective is \"cosent\", which compares graded pairs, and those mined", "stages[1].objective=cosent")]
    [InlineData("stages[1].falseNegativeMargin is a difference of cosines", "stages[1].outputs=[\"sparse\"]", "stages[1].falseNegativeMargin=0.1")]
    [InlineData("stages[1].temperature does nothing with the objective \"cosine\"", "stages[1].objective=cosine", "stages[1].temperature=0.05")]
    [InlineData("stages[1].matryoshkaDimensions does nothing with the objective \"cosine\"", "stages[1].objective=cosine", "stages[1].matryoshkaDimensions=[64]")]
    [InlineData("development does nothing here", "stages[0].evaluateEvery=5", "development={\"name\": \"d\", \"path\": \".\"}")]
    [InlineData("stages[0].evaluateEvery needs something to evaluate on", "stages[0].evaluateEvery=5", "data.heldOut=0", "development={\"name\": \"d\", \"path\": \".\"}")]
    [InlineData("stages[1].guard.spikeFactor is 0.5; a spike is a loss above", "stages[1].guard.spikeFactor=0.5")]
    [InlineData("stages[1].name is \"a/b\"", "stages[1].name=a/b")]
    public void Contradictions_are_refused(string complaint, params string[] overrides)
    {
        string message = Assert.Throws<BadInput>(() => Reread(RecipeFile.ToJson(Whole), overrides)).Message;
        Assert.Contains(complaint, message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_model_from_a_folder_brings_its_own_positions_and_heads()
    {
        Recipe recipe = Reread(RecipeFile.ToJson(Whole), "model.from=.", "stages[0].maxLength=8192", "model.heads=3");
        Assert.Equal(8192, ((RetroMaeStageOptions)recipe.Stages[0]).MaxLength);
    }

    [Theory]
    [InlineData("stages[1].evaluateEvery=5", "data.heldOut=0", "development={\"name\": \"d\", \"path\": \".\"}")]
    [InlineData("stages[1].evaluateEvery=5", "stages[1].evaluateBy=loss")]
    public void Evaluations_while_training_may_go_by_a_set_of_their_own_and_by_loss(params string[] overrides) => Reread(RecipeFile.ToJson(Whole), overrides);

    [Theory, InlineData(0, 65535), InlineData(8, 131072)]
    public void Masks_that_one_array_holds_are_no_reason_to_refuse(int pieces, int batchTokens)
        => Reread(RecipeFile.ToJson(Whole), "model.maxLength=32768", "stages[0].maxLength=32768", $"stages[0].pieces={pieces}", $"stages[0].batchTokens={batchTokens}");

    [Fact]
    public void A_recipe_made_in_code_is_checked_alike()
    {
        RecipeFile.Check(Whole);
        Assert.Throws<BadInput>(() => RecipeFile.Check(Whole with { Seed = -1 }));
        Assert.Throws<BadInput>(() => RecipeFile.Check(Whole with { Model = new ModelOptions { Heads = 3 } }));
    }

    [Fact]
    public void The_printed_recipe_holds_every_value_and_reads_back_to_itself()
    {
        string json = RecipeFile.ToJson(Whole);

        Assert.Equal(json, RecipeFile.ToJson(Reread(json)));
        Assert.Contains("\"name\": \"中文 <run>\"", json, StringComparison.Ordinal);
        Assert.Contains("\"dropout\": 0.1", json, StringComparison.Ordinal);
        Assert.Contains("\"hardNegatives\": null", json, StringComparison.Ordinal);
        Assert.DoesNotContain("label", json, StringComparison.Ordinal);
        Assert.True(json.IndexOf("\"learningRate\"", StringComparison.Ordinal) < json.IndexOf("\"batchTokens\"", StringComparison.Ordinal));
        Assert.DoesNotContain('\r', json);
    }

    [Fact]
    public void The_hash_is_equal_for_equal_runs_only()
    {
        string json = RecipeFile.ToJson(Whole);
        Assert.Equal(RecipeFile.Hash(Whole), RecipeFile.Hash(Reread(json)));
        Assert.Equal(64, RecipeFile.Hash(Whole).Length);
        Assert.NotEqual(RecipeFile.Hash(Whole), RecipeFile.Hash(Reread(json, "seed=2")));
    }

    [Fact]
    public void Numbers_survive_printing() =>
        Gen.Select(Gen.Int[0, int.MaxValue], Gen.Double[0, 1]).Sample((seed, rate) =>
        {
            Recipe recipe = Reread(RecipeFile.ToJson(Whole with { Seed = seed, Stages = [new RetroMaeStageOptions { LearningRate = rate }] }));
            return recipe.Seed == seed && recipe.Stages[0].LearningRate.Equals(rate);
        }, iter: 200);

    [Fact]
    public void Damaged_text_is_refused_and_never_crashes()
    {
        byte[] json = Encoding.UTF8.GetBytes(RecipeFile.ToJson(Whole));
        Gen.Select(Gen.Int[0, json.Length - 1], Gen.Byte).Sample((at, value) =>
        {
            byte[] damaged = [.. json];
            damaged[at] = value;
            try
            {
                RecipeFile.Parse(damaged, "x.json", Environment.CurrentDirectory, []);
            }
            catch (BadInput)
            {
                // one sentence, as promised
            }
        }, iter: 500);
    }
}
