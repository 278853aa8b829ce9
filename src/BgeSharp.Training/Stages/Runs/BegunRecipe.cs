// The recipe that a run was begun with, as its folder keeps it. A later version of the program may know more options: the same recipe then reads otherwise
// when all its values are printed, and is the same recipe all the same as long as the options it lacks have their defaults.

using System.Security.Cryptography;
using BgeSharp.Training.Stages.Recipes;

namespace BgeSharp.Training.Stages.Runs;

/// <summary>Recognises a run's recipe.</summary>
internal static class BegunRecipe
{
    /// <summary>The hash by which the run in a folder knows this recipe: the recipe's own, or that of the recipe it was begun with when both say the same.</summary>
    public static string HashFor(Recipe recipe, RunFolder folder)
    {
        string now = RecipeFile.Hash(recipe);
        if (RunState.Load(folder.Progress) is not { } before || before.Recipe == now || !File.Exists(folder.Recipe))
        {
            return now;
        }
        byte[] begun = File.ReadAllBytes(folder.Recipe);
        return Convert.ToHexStringLower(SHA256.HashData(begun)) == before.Recipe && SaysTheSame(begun, folder, now) ? before.Recipe : now;
    }

    private static bool SaysTheSame(byte[] begun, RunFolder folder, string now)
    {
        try
        {
            return RecipeFile.Hash(RecipeFile.Parse(begun, folder.Recipe, Path.GetFullPath(folder.Root), [])) == now;
        }
        catch (BadInput)
        {
            return false;       // an option of then that is none any more: another recipe
        }
    }
}
