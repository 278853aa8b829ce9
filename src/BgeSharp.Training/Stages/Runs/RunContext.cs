// What every stage of a run shares.

using BgeSharp.Formats;
using BgeSharp.Text;
using BgeSharp.Training.Checkpoints;
using BgeSharp.Training.Stages.Logs;
using BgeSharp.Training.Stages.Recipes;

namespace BgeSharp.Training.Stages.Runs;

/// <summary>A run under way.</summary>
/// <param name="Recipe">What to do.</param>
/// <param name="Hash">SHA-256 of the resolved recipe.</param>
/// <param name="Data">Digest of everything that is read.</param>
/// <param name="Folder">Where everything goes.</param>
/// <param name="Documents">The recipe's documents.</param>
/// <param name="Tokenizer">The vocabulary.</param>
/// <param name="Config">Sizes of the model.</param>
/// <param name="Options">Device, observer, clock.</param>
/// <param name="Metrics">Figures of each logged step; null on ranks other than 0.</param>
/// <param name="Evaluation">The sets to evaluate on; null on ranks other than 0.</param>
/// <param name="Account">Told the time of a stage's loop and what its checkpoints took of it, which is null on ranks other than 0.</param>
internal sealed record RunContext(Recipe Recipe, string Hash, string Data, RunFolder Folder, RecipeDocuments Documents, ITokenizer Tokenizer, ModelConfig Config,
    RunOptions Options, MetricsLog? Metrics, RunEvaluation? Evaluation, Action<TimeSpan, BackgroundCheckpoints?> Account);
